"""The options of the session, by master and by Spark's launch configuration."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyspark
import pytest

from jobs.config import Once, Process
from jobs.runtime import session_options
from tests.support.small_lake import settings_in

REPO = Path(__file__).parents[3]

SETTINGS = settings_in(Path("unused"))
# Print the options that a driver started by spark-submit builds its session with.
PROBE = """
import json, sys
from jobs.runtime import session_options
from tests.jobs.runtime.test_session import SETTINGS
json.dump(session_options(SETTINGS), sys.stdout)
"""

ON_A_CLUSTER = "spark.sql.codegen.hugeMethodLimit"
LOCAL = ("spark.sql.shuffle.partitions", "spark.databricks.delta.snapshotPartitions")
FILE_SYSTEM = "spark.hadoop.fs.file.impl"
COMPRESSED = "spark.sql.inMemoryColumnarStorage.compressed"
TIME_ZONE = "spark.sql.session.timeZone"


def started_by_spark_submit(master: str, folder: Path) -> dict[str, str]:
    """The options of a driver whose JVM starts Python. The master is in no environment variable."""
    probe = folder / "probe.py"
    probe.write_text(PROBE)
    environment = {**os.environ, "PYTHONPATH": str(REPO), "PYSPARK_PYTHON": sys.executable}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)
    done = subprocess.run(
        [
            *(Path(pyspark.__file__).parent / "bin/spark-submit", "--master", master),
            *("--conf", f"{COMPRESSED}=true", "--conf", f"{TIME_ZONE}=Europe/Paris", probe),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_driver_that_spark_submit_starts_on_a_cluster_has_no_local_options(
    tmp_path: Path,
) -> None:
    """The launch configuration wins, except for options that the meaning of the tables needs."""
    options = started_by_spark_submit("spark://127.0.0.1:1", tmp_path)
    assert ON_A_CLUSTER in options
    assert options.keys().isdisjoint((*LOCAL, FILE_SYSTEM, COMPRESSED))
    assert options[TIME_ZONE] == "UTC"


def test_a_running_jvm_gets_no_class_path(tmp_path: Path) -> None:
    """It may lack the classes, and its class path cannot be changed any more."""
    options = started_by_spark_submit("local[1]", tmp_path)
    assert options.keys() >= set(LOCAL)
    assert options.keys().isdisjoint((ON_A_CLUSTER, FILE_SYSTEM, "spark.driver.extraClassPath"))


@pytest.mark.parametrize(
    "arguments", ["", "--master local[2] pyspark-shell", "--master 'local[*]'"]
)
def test_local_mode_has_the_local_options(arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without a master, because Spark is started in local mode then."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", arguments)

    options = session_options(SETTINGS)

    assert options.keys() >= {*LOCAL, FILE_SYSTEM, COMPRESSED}
    assert ON_A_CLUSTER not in options


def test_a_local_cluster_has_the_local_options_without_the_file_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its executors are other processes, without the class path of this one."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local-cluster[2,1,1024] pyspark-shell")

    options = session_options(SETTINGS)

    assert options.keys() >= set(LOCAL)
    assert FILE_SYSTEM not in options


@pytest.mark.parametrize("master", ["yarn", "spark://127.0.0.1:1"])
def test_a_master_of_a_cluster_has_no_local_options(
    master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The launch configuration wins there too."""
    arguments = f"--master {master} --conf '{COMPRESSED}=true' pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", arguments)

    options = session_options(SETTINGS)

    assert ON_A_CLUSTER in options
    assert options.keys().isdisjoint((*LOCAL, FILE_SYSTEM, COMPRESSED))


def test_the_application_has_the_name_that_it_was_launched_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without one, it is called event-lake."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master yarn --name 'my lake' pyspark-shell")
    assert "spark.app.name" not in session_options(SETTINGS)

    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    assert session_options(SETTINGS)["spark.app.name"] == "event-lake"


def test_shuffle_partitions_come_from_the_settings_unless_spark_was_started_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The launch configuration wins over `process.shuffle_partitions`."""
    settings = settings_in(Path("unused"), process=Process(shuffle_partitions=7))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    assert session_options(settings)["spark.sql.shuffle.partitions"] == "7"

    arguments = "--master local[2] --conf spark.sql.shuffle.partitions=3 pyspark-shell"
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", arguments)
    assert "spark.sql.shuffle.partitions" not in session_options(settings)


@pytest.mark.parametrize(
    ("url", "ssl"), [("http://127.0.0.1:9000", "false"), ("https://minio.example", "true")]
)
def test_an_s3_compatible_server_is_read_through_s3a(
    url: str, ssl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In local mode only: a cluster of EMR has a file system of its own for s3://."""
    lake = replace(SETTINGS.lake, s3_endpoint_url=url)
    settings = replace(SETTINGS, lake=lake)
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    options = session_options(settings)
    assert options["spark.hadoop.fs.s3.impl"] == "org.apache.hadoop.fs.s3a.S3AFileSystem"
    assert options["spark.hadoop.fs.s3a.endpoint"] == url
    assert options["spark.hadoop.fs.s3a.endpoint.region"] == "us-east-1"
    assert options["spark.hadoop.fs.s3a.connection.ssl.enabled"] == ssl
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master yarn pyspark-shell")
    assert not [name for name in session_options(settings) if "s3a" in name]


def test_the_state_store_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """RocksDB by default."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--master local[2] pyspark-shell")
    in_memory = settings_in(Path("unused"), once=Once(state_store="memory"))
    name = "spark.sql.streaming.stateStore.providerClass"
    assert session_options(SETTINGS)[name].endswith(".RocksDBStateStoreProvider")
    assert session_options(in_memory)[name].endswith(".HDFSBackedStateStoreProvider")
