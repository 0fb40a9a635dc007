"""A stream that was deleted, and another one with its name: on the fake server, without Spark."""

import json
from datetime import timedelta
from typing import Any

import pytest

from jobs.errors import DataLossError
from jobs.sources.kinesis.offset import Offset, Position, State
from jobs.sources.kinesis.replaced_stream import ReplacedStream, replaced_stream
from tests.support.kinesis.numbered import SHARDS, STREAM, put, put_numbered
from tests.support.kinesis.reading import Query
from tests.support.servers import FakeKinesis

MESSAGE = (
    r"stream 'clicks' was created at .*, after the last record that was read \(.*\): it is "
    r"another stream of the same name, .* set failOnDataLoss=false for one start"
)


def create_again(fake: FakeKinesis, shards: int = 2) -> None:
    """Delete the stream, and create another one of its name an hour later."""
    fake.client().delete_stream(StreamName=STREAM)
    fake.advance_clock(timedelta(hours=1))
    fake.client().create_stream(StreamName=STREAM, ShardCount=shards)


def stored(query: Query) -> Any:
    return json.loads(json.dumps(query.offset))


def restarted(fake: FakeKinesis, query: Query, fail_on_data_loss: str) -> Query:
    """A new process with other options and the checkpoint of `query`."""
    again = Query(fake, STREAM, failOnDataLoss=fail_on_data_loss)
    again._offset = stored(query)
    again.restart()
    return again


def test_a_stream_is_another_one_if_it_is_younger_than_the_last_plan() -> None:
    """The time of the newest record is named; without one, that of the plan."""
    shards = {"a": Position(State.AFTER, "1", arrived_ms=5_000), "b": Position(State.TRIM_HORIZON)}
    start = Offset(as_of_ms=9_000, shards=shards)
    assert replaced_stream("s", 20_000, start) == ReplacedStream("s", 20_000, 5_000)
    assert replaced_stream("s", 9_000, start) is None
    assert replaced_stream("s", None, start) is None
    unread = Offset(as_of_ms=9_000, shards={"b": Position(State.TRIM_HORIZON)})
    assert replaced_stream("s", 20_000, unread) == ReplacedStream("s", 20_000, 9_000)


def test_a_query_that_has_planned_nothing_accepts_any_stream() -> None:
    start = Offset(as_of_ms=9_000, initial=Position(State.TRIM_HORIZON))
    assert replaced_stream("s", 20_000, start) is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_restarted_query_rejects_another_stream_of_the_name(
    fake: FakeKinesis, version: int
) -> None:
    """Not as expired records. The checkpoint may be that of an earlier version."""
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    query.drain()
    create_again(fake)
    put_numbered(fake, 3, 6)
    query._offset = stored(query) | {"version": version}
    if version == 1:
        for position in query._offset["shards"].values():
            position["behind_ms"] = position.pop("millis_behind_latest", 0)
    query.restart()
    with pytest.raises(DataLossError, match=MESSAGE):
        query.drain()


def test_a_running_query_rejects_another_stream_of_the_name(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    query.drain()
    create_again(fake)
    put_numbered(fake, 3, 6)
    with pytest.raises(DataLossError, match=MESSAGE):
        query.drain()


def test_a_stream_without_any_lost_position_is_rejected_too(fake: FakeKinesis) -> None:
    """Nothing was read of the first stream, but its records are lost all the same."""
    query = Query(fake, STREAM)
    query.drain()
    query.batch()
    put_numbered(fake, 0, 3)
    create_again(fake)
    put_numbered(fake, 3, 6)
    query.restart()
    with pytest.raises(DataLossError, match=MESSAGE):
        query.drain()


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_one_start_with_data_loss_allowed_continues_with_the_oldest_record(
    fake: FakeKinesis, shards: int
) -> None:
    """Each record of the new stream is read once, and the gap is recorded. Later starts go on.

    The first stream was split and merged, so its offset has ended shards of the same names.
    """
    put_numbered(fake, 0, 3)
    fake.client().merge_shards(
        StreamName=STREAM, ShardToMerge=SHARDS[0], AdjacentShardToMerge=SHARDS[1]
    )
    query = Query(fake, STREAM)
    query.drain()
    put(fake, 0, b"of the child")
    query.drain()
    states = {name: each["state"] for name, each in query.offset["shards"].items()}
    assert states == {
        SHARDS[0]: "SHARD_END",
        SHARDS[1]: "SHARD_END",
        "shardId-000000000002": "AFTER",
    }
    create_again(fake, shards)
    put(fake, 0, b"new 0")
    put(fake, 1, b"new 1")

    tolerant = restarted(fake, query, "false")
    rows = tolerant.drain()

    assert sorted(row.data for row in rows) == [b"new 0", b"new 1"]
    assert tolerant.offset["gap_count"] == 1
    assert list(tolerant.offset["gaps"]) == ["shardId-000000000002"]
    strict = restarted(fake, tolerant, "true")
    put(fake, 0, b"new 2")
    assert [row.data for row in strict.drain()] == [b"new 2"]
    assert strict.offset["gap_count"] == 1


def test_a_batch_that_was_planned_on_the_earlier_stream_is_not_read_from_the_new_one(
    fake: FakeKinesis,
) -> None:
    """A replay fails with the cause. If data loss is allowed, the batch is empty."""
    put_numbered(fake, 0, 3)
    query = Query(fake, STREAM)
    end = query.plan()
    create_again(fake, 1)
    put_numbered(fake, 3, 6)
    with pytest.raises(DataLossError, match=MESSAGE):
        query.read(query.offset, end)
    tolerant = restarted(fake, query, "false")
    with pytest.warns(UserWarning, match=MESSAGE):
        assert tolerant.read(query.offset, end) == []


def test_the_ended_shard_of_a_planned_batch_is_not_read_from_the_new_stream(
    fake: FakeKinesis,
) -> None:
    """Its range has no last record, and would otherwise go to the end of the new shard."""
    put_numbered(fake, 0, 3)
    fake.client().merge_shards(
        StreamName=STREAM, ShardToMerge=SHARDS[0], AdjacentShardToMerge=SHARDS[1]
    )
    query = Query(fake, STREAM, failOnDataLoss="false")
    end = query.plan()
    assert end["shards"][SHARDS[0]]["state"] == "SHARD_END"
    create_again(fake)
    put_numbered(fake, 3, 6)
    with pytest.warns(UserWarning, match=MESSAGE):
        assert query.read(query.offset, end) == []
