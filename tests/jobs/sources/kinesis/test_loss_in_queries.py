"""The Kinesis source on a fake server that trims records before they are read.

`reading.Query` calls the source, without Spark.
"""

import json
from datetime import timedelta

import pytest

from jobs.errors import DataLossError
from tests.support.kinesis.numbered import SHARDS, STREAM, put, put_numbered
from tests.support.kinesis.reading import Query, positions
from tests.support.servers import FakeKinesis


def test_a_trimmed_position_stops_the_query(fake: FakeKinesis) -> None:
    """Kinesis itself continues with the oldest record, without an error."""
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    query.drain()
    lost, also_lost, _ = put(fake, 0, b"lost", b"also lost", b"kept")
    fake.trim(STREAM, SHARDS[0], also_lost)
    fake.advance_clock(timedelta(hours=25))
    put(fake, 0, b"new")

    with pytest.raises(DataLossError) as error:
        query.drain()

    message = str(error.value)
    assert SHARDS[0] in message
    assert query.offset["shards"][SHARDS[0]]["sequence_number"] in message
    assert lost not in message


def test_a_gap_is_recorded_if_data_loss_is_allowed(fake: FakeKinesis) -> None:
    """With failOnDataLoss=false, the offset records and counts the gap."""
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM, failOnDataLoss="false")
    query.drain()
    _, also_lost, _ = put(fake, 0, b"lost", b"also lost", b"kept")
    fake.trim(STREAM, SHARDS[0], also_lost)

    rows = query.drain()

    assert [row.data for row in rows] == [b"kept"]
    assert query.offset["gap_count"] == 1
    assert list(query.offset["gaps"]) == [SHARDS[0]]
    assert json.dumps(query.plan()) == json.dumps(query.offset)


def test_records_trimmed_between_plan_and_read_fail_the_task(fake: FakeKinesis) -> None:
    """A planned batch is read completely or not at all."""
    first, second, _ = put(fake, 0, b"1", b"2", b"3")
    query = Query(fake, STREAM)
    end = query.plan()
    fake.trim(STREAM, SHARDS[0], second)

    with pytest.raises(DataLossError) as error:
        query.read(query.offset, end)

    assert SHARDS[0] in str(error.value)
    assert first in str(error.value)


def test_a_trimmed_end_of_a_batch_fails_the_task(fake: FakeKinesis) -> None:
    put(fake, 0, b"1", b"2")
    query = Query(fake, STREAM)
    end = query.plan()
    (later,) = put(fake, 0, b"3")
    fake.trim(STREAM, SHARDS[0], end["shards"][SHARDS[0]]["sequence_number"])

    with pytest.raises(DataLossError, match=SHARDS[0]):
        query.read(query.offset, end)

    assert later not in end["shards"][SHARDS[0]].values()


def test_a_shard_that_left_before_its_end_was_read_stops_the_query(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    query.drain()
    put_numbered(fake, 3, 6)
    fake.client().split_shard(
        StreamName=STREAM, ShardToSplit=SHARDS[0], NewStartingHashKey=str(2**126)
    )
    fake.forget(STREAM, SHARDS[0])

    with pytest.raises(DataLossError, match=SHARDS[0]):
        query.drain()


def test_a_shard_that_left_after_its_end_was_read_is_no_loss(fake: FakeKinesis) -> None:
    """Its children are read, and the offset no longer contains it."""
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    fake.client().split_shard(
        StreamName=STREAM, ShardToSplit=SHARDS[0], NewStartingHashKey=str(2**126)
    )
    query.drain()
    fake.forget(STREAM, SHARDS[0])
    put(fake, 0, b"of the child")
    put(fake, 1, b"of the other")

    rows = query.drain()

    assert sorted(row.data for row in rows) == [b"of the child", b"of the other"]
    assert len(positions(query.rows)) == 8
