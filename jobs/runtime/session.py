"""The one place that builds a SparkSession."""

import os
import shlex
from contextlib import suppress
from glob import glob
from itertools import pairwise
from pathlib import Path
from subprocess import TimeoutExpired

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from jobs.config.settings import Settings
from jobs.versions import BARE_LOCAL_FILES
from transforms.columns import CREATED_DATETIME, DATA, EVENT_UUID, PAYLOAD, SEQUENCE_NUMBER

_STATE_STORES = {
    # Keys in RocksDB, on the executor's disk: however many a catching-up window holds.
    "rocksdb": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    # Keys as objects on the heap: a tenth faster, until some million of them fill it.
    "memory": "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider",
}

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

SEMANTICS = {
    "spark.sql.session.timeZone": "UTC",
    # JSON objects that repeat a key are valid JSON (RFC 8259, section 4): the last one wins.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # Nothing of ours waits for a timer, so a batch without records would do nothing.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Counting RocksDB's keys costs a read for each write.
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
}

TUNING = {
    # Of the heap's copy of all keys, one version is enough: an older one is read from its file.
    "spark.sql.streaming.maxBatchesToRetainInMemory": "1",
    # A start reads the last snapshot of the state, and all changes since: a second for 200,000
    # keys and core. By default these may be ten batches and a minute more, which takes long where
    # batches are large.
    "spark.sql.streaming.stateStore.minDeltasForSnapshot": "2",
    "spark.sql.streaming.stateStore.maintenanceInterval": "30s",
    # The rows of a batch are kept for a second, to be read twice: compressing them does not pay.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Parquet looks for repeated values, which these columns do not have.
    **{
        f"spark.hadoop.parquet.enable.dictionary#{column}": "false"
        for column in (DATA, PAYLOAD, SEQUENCE_NUMBER, EVENT_UUID, CREATED_DATETIME)
    },
}

CLUSTER = {
    # The code that Spark generates for the checks is longer than what Java compiles by default.
    # On this machine Java is told to compile it all the same (conf/spark); elsewhere Spark
    # runs such code in smaller steps.
    "spark.sql.codegen.hugeMethodLimit": "8000",
}

LOCAL = {
    "spark.sql.shuffle.partitions": str(os.cpu_count() or 2),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Sized for a cluster, these cost a second a batch on a few cores.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
}

_LAST_MOMENT_SECONDS = 5
_CLASS_PATH = "spark.driver.extraClassPath"
_SHORT = {"--master": "spark.master", "--driver-class-path": _CLASS_PATH}


def build(settings: Settings, app_name: str = "event-lake") -> SparkSession:
    """Start, or take up, the session that all queries of this process share.

    Where the launcher gave no master, the session runs in this process on all cores.
    """
    builder = SparkSession.builder.appName(app_name)
    for key, value in options(settings).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def stop() -> None:
    """End the session of this process, if there is one, when its listeners have heard all."""
    with suppress(Py4JError, ConnectionError):  # its JVM has died: nothing is left to be stopped
        active = SparkSession.getActiveSession()
        if active is not None:
            active.stop()


def has_died() -> bool:
    """True where the JVM that this process started does not run any more.

    To be asked when it does not answer: it is given a moment to come to its end.
    """
    process = getattr(SparkContext._gateway, "proc", None)
    if process is None:
        return False
    with suppress(TimeoutExpired):
        process.wait(_LAST_MOMENT_SECONDS)
    return process.poll() is not None


def options(settings: Settings) -> dict[str, str]:
    """All Spark settings that this project decides, for `settings`, where it runs.

    Those of `TUNING`, `CLUSTER` and `LOCAL` give way to what Spark was started with.
    """
    given = _given()
    tunable = TUNING | {
        "spark.sql.streaming.stateStore.providerClass": _STATE_STORES[settings.once.state_store]
    }
    if given.get("spark.master", "local").startswith("local"):
        tunable |= LOCAL | _local_jars(given) | _s3a(settings)
    else:
        tunable |= CLUSTER
    if settings.process.shuffle_partitions:
        tunable["spark.sql.shuffle.partitions"] = str(settings.process.shuffle_partitions)
    decided = {key: value for key, value in tunable.items() if key not in given}
    return decided | DELTA | SEMANTICS


def _given() -> dict[str, str]:
    """What Spark was started with, or will be: `spark.master`, and whatever else was said."""
    if _comes_second():
        SparkContext._ensure_initialized()
        return dict(SparkConf().getAll())
    words = shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    given = {}
    for option, value in pairwise(words):
        if option in ("--conf", "-c"):
            key, _, value = value.partition("=")
            given[key] = value
        elif option in _SHORT:
            given[_SHORT[option]] = value
    return given


def _comes_second() -> bool:
    """True where spark-submit has started this process, as on a cluster: then its JVM knows all."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _local_jars(given: dict[str, str]) -> dict[str, str]:
    """The JARs that the set-up resolved, and what is read with them."""
    folder = os.environ.get("EVENT_LAKE_JARS_DIR", str(Path(__file__).parents[2] / ".cache/jars"))
    # A JVM that runs has the class path that it has, and executors of local-cluster have another.
    class_path = given.get(_CLASS_PATH, "" if _comes_second() else f"{folder}/*")
    chosen = {_CLASS_PATH: class_path} if class_path else {}
    in_one_process = not given.get("spark.master", "").startswith("local-cluster")
    if in_one_process and folder in class_path and glob(f"{folder}/*{BARE_LOCAL_FILES}*.jar"):
        # A local file gets its permissions from Java, not from a process `chmod` of its own.
        chosen["spark.hadoop.fs.file.impl"] = (
            "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
        )
    return chosen


def _s3a(settings: Settings) -> dict[str, str]:
    """`s3://` through Hadoop's S3A. On EMR the cluster's own file system answers for s3://."""
    chosen = {
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
    }
    if settings.lake.s3_endpoint_url:
        chosen |= {
            "spark.hadoop.fs.s3a.endpoint": settings.lake.s3_endpoint_url,
            "spark.hadoop.fs.s3a.endpoint.region": settings.source.region,
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.connection.ssl.enabled": str(
                settings.lake.s3_endpoint_url.startswith("https")
            ).lower(),
        }
    return chosen
