"""Data loss in plans: which histories of a stream count as a loss, and which do not."""

import pytest

from jobs.errors import DataLossError
from jobs.sources.kinesis.offset import Gap, Position, State
from jobs.sources.kinesis.planner import Admission
from tests.support.kinesis.stream_model import DAY_MS, HOUR_MS, ModelStream, Query

A, B = "shard-000", "shard-001"


def read_a_part(query: Query, stream: ModelStream) -> list[str]:
    """Read a part of a shard. Return the sequence numbers of the rest."""
    numbers = stream.put(A, 100, every_ms=1_000)
    query.admission = Admission(span_ms=10_000)
    query.batch()
    query.admission = Admission()
    return numbers[len(query.read[A]) :]


def test_trimmed_records_are_a_loss() -> None:
    """The error names the shard, the position, the oldest record left and the age lost."""
    stream = ModelStream.of(1)
    query = Query(stream)
    unread = read_a_part(query, stream)
    position = query.offset.shards[A]
    stream.trim(A, 20)
    stream.now_ms += HOUR_MS
    with pytest.raises(DataLossError) as error:
        query.plan()
    for expected in (A, position.sequence_number, unread[9], "1:01:30", "failOnDataLoss"):
        assert str(expected) in str(error.value)


def test_a_trimmed_position_is_a_loss_even_if_nothing_is_left() -> None:
    """Records may have followed it, because the shard was not seen to be idle."""
    stream = ModelStream.of(1)
    query = Query(stream)
    read_a_part(query, stream)
    stream.trim(A, 100)
    with pytest.raises(DataLossError, match="none is left"):
        query.plan()


def test_a_gap_is_recorded_and_counted_once() -> None:
    """With failOnDataLoss=false, reading continues with the oldest record left."""
    stream = ModelStream.of(1)
    query = Query(stream, fail_on_data_loss=False)
    unread = read_a_part(query, stream)
    last_read = query.offset.shards[A].sequence_number
    stream.trim(A, 20)
    assert query.batch() == {A: unread[9:]}
    assert query.offset.gap_count == 1
    assert query.offset.gaps == {A: Gap(str(last_read), 90_000, unread[9])}

    numbers = stream.put(A, 1)
    query.restart()
    assert query.batch() == {A: numbers}
    assert query.offset.gap_count == 1


def test_a_gap_without_later_records_is_recorded_once() -> None:
    stream = ModelStream.of(1)
    query = Query(stream, fail_on_data_loss=False)
    read_a_part(query, stream)
    stream.trim(A, 100)
    query.drain()
    assert query.offset.gap_count == 1


def test_an_idle_shard_whose_last_record_expired_lost_nothing() -> None:
    """The query has seen that no record followed it."""
    stream = ModelStream.of(2)
    stream.put(A, 1)
    query = Query(stream)
    for _ in range(60):
        stream.now_ms += HOUR_MS
        stream.put(B, 1)
        stream.expire()
        query.batch()
    numbers = stream.put(A, 1)
    query.restart()
    assert query.batch() == {A: numbers}


def test_a_stream_that_is_idle_for_longer_than_its_retention_lost_nothing() -> None:
    """The query renews the offset of an idle stream, and a restart relies on it."""
    stream = ModelStream.of(1)
    stream.put(A, 1)
    query = Query(stream)
    for _ in range(60):
        stream.now_ms += HOUR_MS
        stream.expire()
        query.batch()
    assert 9 <= len({offset.as_of_ms for offset in query.log}) <= 12
    query.restart()
    assert query.batch() == {}


def test_a_query_that_was_stopped_for_longer_than_the_retention_may_have_lost_records() -> None:
    stream = ModelStream.of(1)
    stream.put(A, 1)
    query = Query(stream)
    query.batch()
    stream.put(A, 1)
    stream.now_ms += DAY_MS + HOUR_MS
    stream.expire()
    query.restart()
    with pytest.raises(DataLossError, match="1 day, 1:00:00"):
        query.plan()


def test_a_shard_that_was_never_read_may_have_lost_records() -> None:
    """A child that waited for its parents, or an empty shard, for longer than the retention."""
    stream = ModelStream.of(1)
    query = Query(stream)
    query.batch()
    stream.now_ms += DAY_MS + HOUR_MS
    query.restart()
    with pytest.raises(DataLossError, match="TRIM_HORIZON"):
        query.plan()


def test_a_shard_that_left_before_its_end_was_read_is_a_loss() -> None:
    stream = ModelStream.of(1)
    query = Query(stream, fail_on_data_loss=False)
    read_a_part(query, stream)
    child = stream.put(stream.split(A)[0], 1)
    del stream.contents[A]
    query.fail_on_data_loss = True
    query.restart()
    with pytest.raises(DataLossError, match=A):
        query.plan()

    query.fail_on_data_loss = False
    query.restart()
    assert query.batch() == {B: child}
    assert query.offset.gap_count == 1


def test_a_shard_may_leave_after_its_end_was_read() -> None:
    stream = ModelStream.of(1)
    query = Query(stream)
    stream.put(A, 1)
    query.batch()
    stream.split(A)
    stream.put(B, 1)
    query.batch()
    del stream.contents[A]
    numbers = stream.put(B, 1)
    assert query.batch() == {B: numbers}
    assert A not in query.offset.shards


def test_a_resumed_record_that_is_gone_is_a_loss() -> None:
    """Only its number is known, so records may have followed it."""
    stream = ModelStream.of(1)
    stored = stream.put(A, 2)
    stream.put(A, 1)
    stream.trim(A, 2)
    query = Query(stream, resume_from={A: stored[-1]})
    with pytest.raises(DataLossError, match="an unknown time"):
        query.plan()


def test_a_start_before_the_trim_horizon_lost_nothing() -> None:
    """A new query reads the records that exist."""
    stream = ModelStream.of(1)
    numbers = stream.put(A, 3)
    stream.trim(A, 1)
    query = Query(stream, initial=Position(State.AT_TIMESTAMP, at_ms=1, since_ms=stream.now_ms))
    assert query.batch() == {A: numbers[1:]}
