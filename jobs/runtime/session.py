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

from jobs.config import Settings
from jobs.runtime.log_levels import silence_healthy_batches
from jobs.versions import BARE_LOCAL_FILES
from transforms.columns import CREATED_DATETIME, DATA, EVENT_UUID, PAYLOAD, SEQUENCE_NUMBER

_STATE_STORES = {
    # Keys are stored in RocksDB, on the executor's disk. Their number is not limited by the heap.
    "rocksdb": "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
    # Keys are objects on the heap. This is a tenth faster, until some million keys fill the heap.
    "memory": "org.apache.spark.sql.execution.streaming.state.HDFSBackedStateStoreProvider",
}

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# Times in Parquet as INT64 microseconds, in the calendar of today at all times. Other engines read
# another time from INT96, Spark's default (`jobs/lake/parquet_times.py`).
EXACT_TIMES = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}

SEMANTICS = {
    **EXACT_TIMES,
    "spark.sql.session.timeZone": "UTC",
    # A JSON object that repeats a key is valid (RFC 8259, section 4). The last value wins.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # No step waits for a timer, so a batch without records would do nothing.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
    # Spark 4.1 rejects a checkpoint that has files in `offsets`, but no offset. A driver that dies
    # while it writes its first offset leaves a temporary file there, and the next one must start.
    # `jobs/checkpoints` itself rejects a checkpoint that has lost its offsets.
    "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart": "false",
    # To count RocksDB's keys costs a read for each write.
    "spark.sql.streaming.stateStore.rocksdb.trackTotalNumberOfRows": "false",
}

_APP_NAME = "spark.app.name"

TUNING = {
    _APP_NAME: "event-lake",
    # One version of all keys on the heap is enough: an older version is read from its file.
    "spark.sql.streaming.maxBatchesToRetainInMemory": "1",
    # A start reads the last snapshot of the state and all changes since then, which takes 1 s for
    # 200,000 keys on each core. By default the changes of ten batches and of one minute more may
    # follow a snapshot. After large batches such a start takes long.
    "spark.sql.streaming.stateStore.minDeltasForSnapshot": "2",
    "spark.sql.streaming.stateStore.maintenanceInterval": "30s",
    # The rows of a batch are cached for about 1 s and read twice: compression costs more than it
    # saves.
    "spark.sql.inMemoryColumnarStorage.compressed": "false",
    # Parquet's dictionaries are for repeated values. The values of these columns do not repeat.
    **{
        f"spark.hadoop.parquet.enable.dictionary#{column}": "false"
        for column in (DATA, PAYLOAD, SEQUENCE_NUMBER, EVENT_UUID, CREATED_DATETIME)
    },
}

CLUSTER = {
    # The code that Spark generates for the checks is longer than what Java compiles by default.
    # A local JVM gets the option to compile it (conf/spark). On a cluster Spark must divide it.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # A driver on a cluster logs every step of Spark by default: 670 kB for a run without records.
    "spark.log.level": "WARN",
}

LOCAL = {
    "spark.sql.shuffle.partitions": str(os.cpu_count() or 2),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # The defaults are made for a cluster. On a few cores they cost 1 s for each batch.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
}

_JVM_END_SECONDS = 5
_CLASS_PATH = "spark.driver.extraClassPath"
_SHORT_OPTIONS = {
    "--master": "spark.master",
    "--name": _APP_NAME,
    "--driver-class-path": _CLASS_PATH,
}


def build_session(settings: Settings) -> SparkSession:
    """Return the session that all queries of this process share, and start it if necessary.

    Without a master from spark-submit, Spark runs in local mode on all cores.
    """
    builder = SparkSession.builder
    for key, value in session_options(settings).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    silence_healthy_batches(session)
    return session


def stop_session() -> None:
    """Stop the session of this process, if there is one, after its listeners got every event."""
    with suppress(Py4JError, ConnectionError):  # the JVM has died, so nothing is left to stop
        active = SparkSession.getActiveSession()
        if active is not None:
            active.stop()


def jvm_has_died() -> bool:
    """True if the JVM that this process started has ended.

    Call it when the JVM does not respond. It waits up to 5 s for the end of the JVM.
    """
    process = getattr(SparkContext._gateway, "proc", None)
    if process is None:
        return False
    with suppress(TimeoutExpired):
        process.wait(_JVM_END_SECONDS)
    return process.poll() is not None


def session_options(settings: Settings) -> dict[str, str]:
    """All Spark settings that this project makes, for `settings` and for the master in use.

    Spark's launch configuration overrides those of `TUNING`, `CLUSTER` and `LOCAL`.
    """
    launched = _launch_configuration()
    tunable = TUNING | {
        "spark.sql.streaming.stateStore.providerClass": _STATE_STORES[settings.once.state_store]
    }
    if launched.get("spark.master", "local").startswith("local"):
        tunable |= LOCAL | _local_jars(launched) | _s3a(settings)
    else:
        tunable |= CLUSTER
    if settings.process.shuffle_partitions:
        tunable["spark.sql.shuffle.partitions"] = str(settings.process.shuffle_partitions)
    chosen = {key: value for key, value in tunable.items() if key not in launched}
    return chosen | DELTA | SEMANTICS


def _launch_configuration() -> dict[str, str]:
    """The configuration that Spark was started with, or that it will be started with."""
    if _started_by_spark_submit():
        SparkContext._ensure_initialized()
        return dict(SparkConf().getAll())
    words = shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))
    launched = {}
    for option, value in pairwise(words):
        if option in ("--conf", "-c"):
            key, _, value = value.partition("=")
            launched[key] = value
        elif option in _SHORT_OPTIONS:
            launched[_SHORT_OPTIONS[option]] = value
    return launched


def _started_by_spark_submit() -> bool:
    """True if spark-submit has started this process, as on a cluster. Then the JVM runs already."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _local_jars(launched: dict[str, str]) -> dict[str, str]:
    """The class path of the JARs that the setup resolved, and the file system that they bring."""
    folder = os.environ.get("EVENT_LAKE_JARS_DIR", str(Path(__file__).parents[2] / ".cache/jars"))
    # The class path of a running JVM is fixed. Executors of local-cluster have one of their own.
    class_path = launched.get(_CLASS_PATH, "" if _started_by_spark_submit() else f"{folder}/*")
    chosen = {_CLASS_PATH: class_path} if class_path else {}
    in_one_process = not launched.get("spark.master", "").startswith("local-cluster")
    if in_one_process and folder in class_path and glob(f"{folder}/*{BARE_LOCAL_FILES}*.jar"):
        # Java sets the permissions of local files itself, without a `chmod` process for each file.
        chosen["spark.hadoop.fs.file.impl"] = (
            "com.globalmentor.apache.hadoop.fs.BareLocalFileSystem"
        )
    return chosen


def _s3a(settings: Settings) -> dict[str, str]:
    """Read `s3://` through Hadoop's S3A. On EMR the cluster has its own file system for s3://."""
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
