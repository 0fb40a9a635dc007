"""Batches of the Kinesis source on a fake server: their start, their end, and their calls.

`reading.Query` calls the source, without Spark.
"""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from jobs.errors import ConfigError
from tests.support.kinesis.numbered import SHARDS, STREAM, by_shard, numbered, put_numbered
from tests.support.kinesis.reading import Query, positions
from tests.support.servers import FakeKinesis


def test_decreasing_arrival_times_lose_nothing(fake: FakeKinesis) -> None:
    """Arrival times only select where a batch ends."""
    query = Query(fake, STREAM, maxRecordsPerBatch="12")
    for i, seconds in enumerate((0, -90, -5, -3600, -1, -600)):
        fake.shift_arrivals(timedelta(seconds=seconds))
        put_numbered(fake, i * 10, i * 10 + 10)
        query.batch()

    query.drain()

    assert by_shard(query.rows) == numbered(0, 60)
    assert len(positions(query.rows)) == 120


def test_reading_up_to_a_time_ends_while_producers_continue(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 10)
    stop = datetime.now(UTC) + timedelta(minutes=5)
    fake.advance_clock(timedelta(minutes=10))
    put_numbered(fake, 10, 20)
    query = Query(fake, STREAM, stopAt=stop.isoformat())

    query.drain()

    assert by_shard(query.rows) == numbered(0, 10)


def test_a_query_with_a_new_checkpoint_resumes_after_the_stored_records(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 10)
    before = Query(fake, STREAM)
    before.drain()
    stored = {
        shard: max((r.sequence_number for r in before.rows if r.shard == shard), key=int)
        for shard in SHARDS
    }
    put_numbered(fake, 10, 20)

    query = Query(fake, STREAM, resumeFrom=json.dumps(stored))
    query.drain()

    assert by_shard(query.rows) == numbered(10, 20)


def test_batches_have_about_the_target_number_of_records(fake: FakeKinesis) -> None:
    """Records that arrived evenly over ten minutes give batches near the target."""
    fake.fill(STREAM, 5000, record_bytes=200, span=timedelta(minutes=10))
    query = Query(fake, STREAM, maxRecordsPerBatch="2000")

    rows = query.drain()

    assert len(positions(rows)) == len(rows) == 10_000
    assert max(len(batch.rows) for batch in query.batches) <= 4000
    assert len(query.batches) <= 20


def test_a_plan_for_300_shards_needs_few_calls(fake: FakeKinesis) -> None:
    """At most five for a busy shard, one or two for an idle one, one for each page of shards."""
    client = fake.client()
    client.create_stream(StreamName="wide", ShardCount=300)
    fake.list_shards_by(100)
    entries = [{"Data": b"x", "PartitionKey": str(i)} for i in range(500)]
    for _ in range(4):
        client.put_records(StreamName="wide", Records=entries)
    query = Query(fake, "wide")

    fake.reset_calls()
    query.plan()
    busy = fake.calls()
    query.drain()
    fake.reset_calls()
    query.plan()
    idle = fake.calls()

    assert len(positions(query.rows)) == 2000
    assert busy["ListShards"] == {"": 3}
    assert max(busy["GetRecords"].values()) <= 5
    assert max(busy["GetShardIterator"].values()) <= 5
    assert idle["ListShards"] == {"": 3}
    assert max(idle["GetRecords"].values()) <= 1
    assert sum(idle.get("GetShardIterator", {}).values()) <= 300


def test_a_new_query_must_not_start_in_the_future(fake: FakeKinesis) -> None:
    """It would read nothing until then, without a word. The error has both times, of the stream."""
    fake.advance_clock(timedelta(hours=-2))
    start = datetime.now(UTC).replace(microsecond=0)
    query = Query(fake, STREAM, startingPosition=start.isoformat())
    message = (
        rf"option 'startingPosition' is {re.escape(start.isoformat())}, which is in the future: "
        r"it is .* now\. Set a time that has passed, or LATEST"
    )
    with pytest.raises(ConfigError, match=message):
        query.plan()
    fake.advance_clock(timedelta(hours=2, seconds=5))
    query.plan()


def test_a_query_with_a_checkpoint_does_not_use_its_start(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    query.drain()
    future = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    again = Query(fake, STREAM, startingPosition=future)
    again._offset = query.offset
    again.restart()
    put_numbered(fake, 3, 6)
    assert by_shard(again.drain()) == {
        SHARDS[0]: [b"0-3", b"0-4", b"0-5"],
        SHARDS[1]: [b"1-3", b"1-4", b"1-5"],
    }
