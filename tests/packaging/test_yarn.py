"""The README's command for clusters on a real YARN, whose Python has only the standard library."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import pytest
from pyspark.sql import SparkSession

from jobs.config import Lake
from jobs.generator import Mix, records
from jobs.lake import tables_of
from tests.support.cluster_spark import ClusterSpark, cluster_spark
from tests.support.commands import STREAM, Running, settings
from tests.support.exactness import assert_exact
from tests.support.servers import Server, moto_server
from tests.support.servers.yarn import Application, yarn_cluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slice("yarn")

CLUSTER_MODE, CLIENT_MODE = ("--deploy-mode", "cluster"), ("--master", "yarn")
RECORDS = 400
MIX = Mix(names=3, duplicates=0.2, late=0.1, broken=0.1, seed=3)


@pytest.fixture(scope="module")
def spark_on_yarn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSpark]:
    home = tmp_path_factory.mktemp("yarn")
    with yarn_cluster(home) as cluster:
        yield cluster_spark(home / "spark", cluster)


class Submitted:
    """The stream and the lake on HDFS of one test, and its applications."""

    def __init__(
        self, spark: SparkSession, cluster: ClusterSpark, server: Server, name: str
    ) -> None:
        self._spark, self._server = spark, server
        self.cluster, self.yarn = cluster, cluster.cluster
        self.path = f"{self.yarn.filesystem}/{name}"
        self.settings = settings(server, self.path, "source.max_records_per_batch=300")
        self._put: list[bytes] = []
        self._traffic = records(MIX, lambda: time.time_ns() // 1_000_000)

    def put(self) -> None:
        """Put the next records: new events, duplicates, late and broken ones."""
        for record in islice(self._traffic, RECORDS):
            self._server.client().put_record(
                StreamName=STREAM, Data=record.data, PartitionKey=record.partition_key
            )
            self._put.append(record.data)

    def assert_exact(self) -> None:
        """Compare the tables with the oracle."""
        places = Lake(
            raw=f"{self.path}/raw", processed=f"{self.path}/processed", checkpoints="unused"
        )
        assert_exact(self._spark, tables_of(places), self._put)

    @contextmanager
    def submitted(self, *arguments: str) -> Iterator[tuple[Running, str]]:
        """Submit a command. The block gets the launcher, and the application's id."""
        before = {application.id for application in self.yarn.applications()}
        with self.cluster.submit(*arguments, *self.settings) as launcher:
            wait_until(
                lambda: bool(self._ids() - before) or launcher.has_ended,
                what="an application",
                seconds=300,
            )
            assert not launcher.has_ended, launcher.end()
            (id_,) = self._ids() - before
            try:
                yield launcher, id_
            finally:
                self.yarn.kill(id_)

    def last(self) -> Application:
        """The application that was submitted last."""
        return self.yarn.applications()[-1]

    def wait_for_log(self, id_: str, text: str, times: int = 1) -> None:
        """Wait until the driver in a container has logged `text`."""
        wait_until(
            lambda: (
                self.yarn.log(id_, "stdout").count(text) >= times
                or self.yarn.application(id_).state in ("FAILED", "FINISHED")
            ),
            what=f"{text!r} in the log of {id_}",
            seconds=300,
        )
        log = self.yarn.log(id_, "stdout")
        assert log.count(text) >= times, log[-3000:] + self.yarn.log(id_, "stderr")[-3000:]

    def _ids(self) -> set[str]:
        return {application.id for application in self.yarn.applications()}


@pytest.fixture
def server() -> Iterator[Server]:
    with moto_server() as server:
        server.client().create_stream(StreamName=STREAM, ShardCount=2)
        yield server


def test_in_cluster_mode_the_lake_is_exact_after_kills_of_the_driver_and_of_the_application(
    spark: SparkSession,
    spark_on_yarn: ClusterSpark,
    server: Server,
    tried: Callable[[str, int], None],
) -> None:
    """YARN starts a killed driver again, and the next run continues a killed application."""
    lake = Submitted(spark, spark_on_yarn, server, "in-cluster-mode")
    lake.put()
    with lake.submitted(*CLUSTER_MODE, "stream") as (launcher, id_):
        lake.wait_for_log(id_, "query=ingest batch=0 ")
        lake.yarn.signal_master(id_, signal.SIGKILL)
        lake.put()
        wait_until(lambda: lake.yarn.application(id_).attempts == 2, what="a second attempt")
        lake.wait_for_log(id_, "query=process batch=")
        ingested = lake.yarn.log(id_, "stdout").count("query=ingest batch=")
        lake.put()
        # The kill interrupts the batch of process.
        lake.wait_for_log(id_, "query=ingest batch=", times=ingested + 1)
        lake.yarn.kill(id_)
        ended = lake.yarn.wait_for_end(id_)
        wait_until(lambda: not lake.yarn.master_pids(id_), what="the end of the driver")
        launcher_code, _ = launcher.end()

    code, last = spark_on_yarn.run(*CLUSTER_MODE, "stream", "--once", *lake.settings)

    assert (ended.name, ended.state, launcher_code) == ("event-lake stream", "KILLED", 1)
    last_lines = [
        line for line in lake.yarn.log(id_, "stdout").splitlines() if "event-lake: " in line
    ]
    assert all("Spark was stopped from outside" in line for line in last_lines), last_lines
    assert code == 0, last[-3000:]
    once = lake.last()
    assert (once.name, once.final_status, once.attempts) == ("event-lake stream", "SUCCEEDED", 1)
    # The program's lines are on standard output, and Spark's do not bury them.
    assert "query=ingest batch=" in lake.yarn.log(once.id, "stdout")
    assert len(lake.yarn.log(once.id, "stderr")) < 100_000
    lake.assert_exact()
    tried("kills", 2)
    tried("records", 3 * RECORDS)


def test_in_client_mode_sigterm_ends_after_the_batch_and_a_lost_cluster_ends_with_one_line(
    spark: SparkSession,
    spark_on_yarn: ClusterSpark,
    server: Server,
    tried: Callable[[str, int], None],
) -> None:
    """The exit codes are those of the program, and the lake is exact."""
    lake = Submitted(spark, spark_on_yarn, server, "in-client-mode")
    lake.put()
    with lake.submitted(*CLIENT_MODE, "stream") as (driver, id_):
        driver.wait_for("query=ingest batch=0 ")
        code, log = driver.terminate()
    assert code == 0, log
    assert lake.yarn.wait_for_end(id_).final_status == "SUCCEEDED"
    lake.put()
    with lake.submitted(*CLIENT_MODE, "stream") as (driver, id_):
        driver.wait_for("query=ingest batch=")
        lake.yarn.kill(id_)
        code, log = driver.end()
    assert code == 10, log
    (line,) = (line for line in log.splitlines() if line.startswith("event-lake: "))
    assert "Spark was stopped from outside" in line
    lake.put()

    code, output = spark_on_yarn.run(*CLIENT_MODE, "stream", "--once", *lake.settings)
    assert code == 0, output[-3000:]
    code, output = spark_on_yarn.run(*CLIENT_MODE, "audit", "--drained", *lake.settings)
    assert code == 0, output[-3000:]
    lake.assert_exact()
    tried("kills", 1)
    tried("records", 3 * RECORDS)


def test_a_final_error_in_cluster_mode_is_not_tried_again_and_is_on_standard_output(
    spark_on_yarn: ClusterSpark, server: Server
) -> None:
    """A command that ends by itself has one attempt. spark-submit ends with 1."""
    settings_of_nothing = [
        word.replace(f"source.stream={STREAM}", "source.stream=gone")
        for word in settings(server, f"{spark_on_yarn.cluster.filesystem}/nothing")
    ]

    code, _ = spark_on_yarn.run(*CLUSTER_MODE, "stream", "--once", *settings_of_nothing)

    failed = spark_on_yarn.cluster.applications()[-1]
    assert (code, failed.final_status, failed.attempts) == (1, "FAILED", 1)
    lines = [
        line
        for line in spark_on_yarn.cluster.log(failed.id, "stdout").splitlines()
        if line.startswith("event-lake: ")
    ]
    assert len(lines) == 1
    assert "gone" in lines[0]
