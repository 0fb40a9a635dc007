"""The Kinesis source in Spark: checkpoints, restarts and reshards of a streaming query."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.sources.kinesis.datasource import KinesisDataSource
from tests.support.kinesis.version_1 import rewrite_as_version_1
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.servers.fake_faults import Kind
from tests.support.servers.server import REGION
from transforms.columns import RECORD_SCHEMA

STREAM = "clicks"
MIDDLE = str(2**127)

Start = Callable[..., StreamingQuery]
Sink = Callable[[DataFrame, int], None]


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    """A fake Kinesis with a stream of one shard."""
    with fake_kinesis() as running:
        running.client().create_stream(StreamName=STREAM, ShardCount=1)
        yield running


@pytest.fixture
def records(spark: SparkSession, fake: FakeKinesis) -> Callable[[str], DataFrame]:
    """The named stream as a streaming frame."""
    spark.dataSource.register(KinesisDataSource)
    options = {"region": REGION, "endpointUrl": fake.url, "tipLag": "0 seconds"}
    return lambda stream: (
        spark.readStream.format("kinesis").options(stream=stream, **options).load()
    )


@pytest.fixture
def start(records: Callable[[str], DataFrame], tmp_path: Path) -> Iterator[Start]:
    """Starts a query from Kinesis to a Delta table in `tmp_path`, from its checkpoint there."""
    queries: list[StreamingQuery] = []

    def started(
        stream: str = STREAM, *, available_now: bool = False, to: Sink | None = None
    ) -> StreamingQuery:
        writer = records(stream).writeStream.format("delta")
        if to is not None:
            writer = writer.foreachBatch(to)
        if available_now:
            writer = writer.trigger(availableNow=True)
        else:
            writer = writer.trigger(processingTime="100 milliseconds")
        query = writer.option("checkpointLocation", str(tmp_path / "checkpoint")).start(
            str(tmp_path / "table")
        )
        queries.append(query)
        return query

    yield started
    for query in queries:
        query.stop()


@pytest.fixture
def stored(spark: SparkSession, start: Start, tmp_path: Path) -> Callable[[], DataFrame]:
    """The table that the query writes."""
    return lambda: spark.read.format("delta").load(str(tmp_path / "table"))


def put(fake: FakeKinesis, first: int, last: int) -> None:
    """Put numbered records of 5 keys."""
    entries = [
        {"Data": f"{i}".encode(), "PartitionKey": f"key {i % 5}"} for i in range(first, last)
    ]
    fake.client().put_records(StreamName=STREAM, Records=entries)


def split(fake: FakeKinesis, shard: int, at: str) -> None:
    fake.client().split_shard(
        StreamName=STREAM, ShardToSplit=f"shardId-{shard:012d}", NewStartingHashKey=at
    )


def numbers(records: DataFrame) -> list[int]:
    """The numbers of the records, sorted."""
    return sorted(int(row.data) for row in records.select("data").collect())


def remove_commit(checkpoint: Path, batch: int) -> None:
    """Make the batch look as if Spark had died before its commit."""
    for commit in (checkpoint / "commits").glob(f"*{batch}*"):
        commit.unlink()


def test_the_table_has_the_columns_of_a_record(
    fake: FakeKinesis, start: Start, stored: Callable[[], DataFrame], spark: SparkSession
) -> None:
    put(fake, 0, 1)
    start().processAllAvailable()

    (row,) = stored().collect()

    assert stored().schema == spark.createDataFrame([], RECORD_SCHEMA).schema
    assert (bytes(row.data), row.partition_key, row.shard_id, row.sub_sequence_number) == (
        b"0",
        "key 0",
        "shardId-000000000000",
        0,
    )
    assert len(row.sequence_number) == 56


def test_every_record_is_stored_once_through_reshards_and_a_restart(
    fake: FakeKinesis, start: Start, stored: Callable[[], DataFrame]
) -> None:
    """One reshard while the query runs, one while it is stopped, one before it has caught up."""
    put(fake, 0, 100)
    query = start()
    query.processAllAvailable()
    put(fake, 100, 200)
    split(fake, 0, MIDDLE)
    put(fake, 200, 300)
    query.processAllAvailable()
    query.stop()
    put(fake, 300, 400)
    split(fake, 1, str(2**126))
    put(fake, 400, 500)

    query = start()
    split(fake, 2, str(3 * 2**126))
    put(fake, 500, 600)
    query.processAllAvailable()

    assert numbers(stored()) == list(range(600))


def test_an_available_now_query_reads_the_available_records_and_ends(
    fake: FakeKinesis, start: Start, stored: Callable[[], DataFrame]
) -> None:
    """The next one reads the records that arrived since."""
    put(fake, 0, 50)
    start(available_now=True).awaitTermination()
    assert numbers(stored()) == list(range(50))

    put(fake, 50, 80)
    start(available_now=True).awaitTermination()
    assert numbers(stored()) == list(range(80))


def test_a_batch_that_was_not_committed_is_replayed_with_the_same_rows(
    fake: FakeKinesis, start: Start, tmp_path: Path
) -> None:
    """Spark died after the sink and before its own commit. Then the shard was split."""
    delivered: list[tuple[int, list[int]]] = []

    def sink(rows: DataFrame, batch: int) -> None:
        delivered.append((batch, numbers(rows)))

    put(fake, 0, 30)
    query = start(to=sink)
    query.processAllAvailable()
    query.stop()
    batch, before = delivered[-1]
    remove_commit(tmp_path / "checkpoint", batch)
    put(fake, 30, 60)
    split(fake, 0, MIDDLE)
    put(fake, 60, 90)

    delivered.clear()
    start(to=sink).processAllAvailable()

    assert delivered[0] == (batch, before)
    assert sorted(number for _, rows in delivered for number in rows) == list(range(90))


def test_a_checkpoint_of_version_1_is_continued(
    fake: FakeKinesis, start: Start, tmp_path: Path
) -> None:
    """After an upgrade, the last batch is replayed with the same rows, and nothing is lost."""
    delivered: list[tuple[int, list[int]]] = []

    def sink(rows: DataFrame, batch: int) -> None:
        delivered.append((batch, numbers(rows)))

    put(fake, 0, 30)
    query = start(to=sink)
    query.processAllAvailable()
    split(fake, 0, MIDDLE)
    put(fake, 30, 60)
    query.processAllAvailable()
    query.stop()
    *committed, last = delivered
    remove_commit(tmp_path / "checkpoint", last[0])
    stored = rewrite_as_version_1(tmp_path / "checkpoint")
    put(fake, 60, 90)

    delivered.clear()
    start(to=sink).processAllAvailable()

    assert "DRAINED" in stored
    assert "behind_ms" in stored
    assert delivered[0] == last
    rows = [number for _, numbers_of_batch in committed + delivered for number in numbers_of_batch]
    assert sorted(rows) == list(range(90))


def test_an_idle_stream_runs_no_batches(fake: FakeKinesis, start: Start, tmp_path: Path) -> None:
    """Spark requests the end of the next batch several times, and plans none."""
    put(fake, 0, 10)
    start().processAllAvailable()
    planned = sorted((tmp_path / "checkpoint" / "offsets").iterdir())

    plans, deadline = fake.count("ListShards"), time.monotonic() + 60
    while fake.count("ListShards") < plans + 5:
        assert time.monotonic() < deadline, "the query plans no more"

    assert sorted((tmp_path / "checkpoint" / "offsets").iterdir()) == planned


def test_a_failing_stream_is_read_completely(
    fake: FakeKinesis, start: Start, stored: Callable[[], DataFrame]
) -> None:
    """Failures on the driver and on the executors, while the query runs."""
    for kind in (Kind.THROTTLED, Kind.RESET, Kind.HALF_JSON):
        fake.fail(kind, times=-1, rate=0.1)
    query = start()
    for i in range(5):
        put(fake, i * 100, i * 100 + 100)
        query.processAllAvailable()

    assert numbers(stored()) == list(range(500))


def test_the_error_of_a_missing_stream_names_it(start: Start) -> None:
    with pytest.raises(StreamingQueryException, match="absent"):
        start("absent").processAllAvailable()
