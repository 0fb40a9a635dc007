"""A driver that is killed or asked to stop, and what its lake holds afterwards."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.commands import STREAM, Running, run, settings
from tests.support.servers import Server, moto_server

pytestmark = pytest.mark.slow

EVENTS = 3_000


@pytest.fixture
def server() -> Iterator[Server]:
    with moto_server() as server:
        server.client().create_stream(StreamName=STREAM, ShardCount=2)
        yield server


def put(server: Server, first: int, count: int) -> None:
    """Events `first` to `first + count - 1`, each followed by a twin; every tenth is hours late."""
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
    """Killed while it reads the stream, while it stores events, and again while it recovers."""
    given = settings(server, str(tmp_path), "source.max_records_per_batch=1000")
    put(server, 0, EVENTS)
    # Each line says that a batch is done, so the kill meets the work that follows it.
    for line in ("query=ingest batch=1 ", "query=process ", "query=process "):
        with Running("stream", *given) as driver:
            driver.wait_for(line)
            put(server, EVENTS, 500)
            driver.kill()

    drained = run("stream", "--once", *given)
    audit = run("audit", "--drained", *given)

    assert drained.returncode == 0, drained.stderr
    assert audit.returncode == 0, audit.stdout
    events = spark.read.format("delta").load(f"{tmp_path}/processed/events")
    stored = sorted(row[0] for row in events.select("event_uuid").collect())
    # The 500 were put three times, with another created_at each time unless in the same second.
    assert set(stored) == {f"e{number}" for number in range(EVENTS + 500)}
    assert stored[: len(stored)].count("e7") == 1
    assert events.count() == events.select("event_uuid", "created_at").distinct().count()
    tried("kills", 3)
    tried("records", 2 * (EVENTS + 3 * 500))


def test_sigterm_ends_behind_the_batch_at_hand(server: Server, tmp_path: Path) -> None:
    """Exit code 0, and no batch is left that the next start would have to do again."""
    put(server, 0, 500)
    with Running("stream", *settings(server, str(tmp_path))) as driver:
        driver.wait_for("query=process ")
        code, said = driver.terminate()
    assert code == 0, said
    for query in ("ingest", "process"):
        folder = tmp_path / "checkpoints" / query
        assert batches(folder / "offsets") == batches(folder / "commits")


def test_where_java_is_killed_the_run_says_so(server: Server, tmp_path: Path) -> None:
    put(server, 0, 500)
    with Running("stream", *settings(server, str(tmp_path))) as driver:
        driver.wait_for("query=process ")
        driver.kill_java()
        code, said = driver.end()
    assert code == 10
    assert "event-lake: Spark's Java process has ended" in said
    assert "Traceback" not in said, said


def batches(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name.isdigit()}
