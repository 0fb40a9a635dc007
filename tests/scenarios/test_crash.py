"""A driver that is killed or stopped, and the tables of its lake afterwards."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Query, Source
from jobs.lake import tables_of
from jobs.streaming import Run
from tests.support.commands import STREAM, Running, settings
from tests.support.servers import Server, moto_server
from tests.support.small_lake import settings_in

EVENTS = 3_000


@pytest.fixture
def server() -> Iterator[Server]:
    with moto_server() as server:
        server.client().create_stream(StreamName=STREAM, ShardCount=2)
        yield server


def put(server: Server, first: int, count: int) -> None:
    """Put the events `first` to `first + count - 1`, each twice; every tenth is hours late."""
    now = int(time.time())
    records = []
    for number in range(first, first + count):
        created_at = now - 6 * 3600 if number % 10 == 0 else now
        body = {"event_uuid": f"e{number}", "event_name": "a:b", "created_at": created_at}
        record = {"Data": json.dumps(body).encode(), "PartitionKey": str(number)}
        records += [record, record]
    for start in range(0, len(records), 500):
        server.client().put_records(StreamName=STREAM, Records=records[start : start + 500])


def test_kill_9_loses_nothing_and_stores_nothing_twice(
    spark: SparkSession, server: Server, tmp_path: Path, tried: Callable[[str, int], None]
) -> None:
    """It is killed while it reads the stream, while it stores events, and while it recovers."""
    options = settings(server, str(tmp_path), "source.max_records_per_batch=1000")
    put(server, 0, EVENTS)
    # Each line reports the end of a batch, so the kill interrupts the work after it.
    for line in ("query=ingest batch=1 ", "query=process batch=", "query=process batch="):
        with Running("stream", *options) as driver:
            driver.wait_for(line)
            put(server, EVENTS, 500)
            driver.kill()

    lake = replace(settings_in(tmp_path), source=Source(stream=STREAM, endpoint_url=server.url))
    Run(lake, available_now=True).start([Query.INGEST, Query.PROCESS])

    tables = tables_of(lake.lake)
    assert verify_tables(spark, tables).is_clean
    events = tables.events.read(spark)
    stored = sorted(row[0] for row in events.select("event_uuid").collect())
    # The last 500 were put three times, with another created_at unless in the same second.
    assert set(stored) == {f"e{number}" for number in range(EVENTS + 500)}
    assert stored.count("e7") == 1
    assert events.count() == events.select("event_uuid", "created_at").distinct().count()
    tried("kills", 3)
    tried("records", 2 * (EVENTS + 3 * 500))


def test_sigterm_ends_the_run_after_the_current_batch(server: Server, tmp_path: Path) -> None:
    """The exit code is 0, and the next start has no batch to repeat."""
    put(server, 0, 500)
    with Running("stream", *settings(server, str(tmp_path))) as driver:
        driver.wait_for("query=process batch=")
        code, log = driver.terminate()
    assert code == 0, log
    for query in ("ingest", "process"):
        folder = tmp_path / "checkpoints" / query
        assert batches(folder / "offsets") == batches(folder / "commits")


def test_a_run_whose_java_process_is_killed_ends_with_one_line(
    server: Server, tmp_path: Path
) -> None:
    """The line names the cause, and there is no stack trace."""
    put(server, 0, 500)
    with Running("stream", *settings(server, str(tmp_path))) as driver:
        driver.wait_for("query=process batch=")
        driver.kill_java()
        code, log = driver.end()
    assert code == 10
    assert "event-lake: Spark's Java process has ended" in log
    assert "Traceback" not in log, log


def batches(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name.isdigit()}
