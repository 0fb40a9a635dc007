"""`ingest` on a cluster of this machine, whose executors have only what the launcher ships.

Their Python has no package, and their working directory is another one. So jobs, transforms, boto3,
pyarrow and the rest can only come from the two archives.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.cluster_spark import bare_python
from tests.support.java import spark_home
from tests.support.servers import Server, moto_server

REPO = Path(__file__).parents[2]
RECORDS = 1_000
MAX_SECONDS = 600


@pytest.fixture
def no_traces() -> Iterator[None]:
    """Remove the folders that the workers leave in the home of Spark."""
    work = spark_home() / "work"
    before = set(work.glob("app-*"))
    yield
    for folder in set(work.glob("app-*")) - before:
        shutil.rmtree(folder)


@pytest.fixture
def server() -> Iterator[Server]:
    """A Kinesis on loopback."""
    with moto_server() as server:
        yield server


@pytest.mark.slice("yarn")
@pytest.mark.usefixtures("no_traces")
def test_ingest_runs_on_executors_that_have_only_what_was_shipped(
    spark: SparkSession, server: Server, tmp_path: Path
) -> None:
    """1,000 records on four shards arrive once each, byte for byte."""
    put = _put_records(server)

    done = _ingest_once(server, bare_python(tmp_path / "bare"), tmp_path)

    # The cause comes first. The messages of a cluster that shuts down fill pages.
    assert done.returncode == 0, done.stderr[:5000]
    raw = spark.read.format("delta").load(str(tmp_path / "raw" / "records"))
    rows = raw.select("partition_key", "data").collect()
    assert sorted((row.partition_key, bytes(row.data)) for row in rows) == sorted(put)


def _put_records(server: Server) -> list[tuple[str, bytes]]:
    kinesis = server.client()
    kinesis.create_stream(StreamName="events", ShardCount=4)
    put = [(f"key-{number}", b"\xff record %d" % number) for number in range(RECORDS)]
    for first in range(0, RECORDS, 500):
        entries = [{"PartitionKey": key, "Data": data} for key, data in put[first : first + 500]]
        kinesis.put_records(StreamName="events", Records=entries)
    return put


def _ingest_once(server: Server, python: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    working_directory = folder / "elsewhere"
    working_directory.mkdir()
    environment = {
        **os.environ,
        "EVENT_LAKE_NO_SETUP": "1",
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    environment.pop("PYTHONPATH", None)
    settings = {
        "source.stream": "events",
        "source.endpoint_url": server.url,
        "lake.raw": folder / "raw",
        "lake.processed": folder / "processed",
        "lake.checkpoints": folder / "checkpoints",
    }
    return subprocess.run(
        [
            *(REPO / "spark-submit.sh", "--master", "local-cluster[2,1,2048]"),
            *("--driver-memory", "1g", "--conf", f"spark.pyspark.python={python}"),
            *("ingest", "--once"),
            *(f"--set={key}={value}" for key, value in settings.items()),
        ],
        cwd=working_directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=MAX_SECONDS,
    )
