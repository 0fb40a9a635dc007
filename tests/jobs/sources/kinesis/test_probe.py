"""Peeks: the first records from a point on, and whether any records follow them."""

from jobs.sources.kinesis.client import ExpiredIteratorError
from jobs.sources.kinesis.model import Peek, RecordRef, Shard, StartingPoint
from jobs.sources.kinesis.probe import KinesisProbe
from tests.support.kinesis.scripted_client import END, QUIET, ScriptedClient, page

OPEN = Shard("shard-0")
CLOSED = Shard("shard-0", is_closed=True)
START = StartingPoint.trim_horizon()
ARRIVED_MS = 1_763_888_000_123


def peek(client: ScriptedClient, shard: Shard = OPEN, limit: int = 2) -> Peek:
    return KinesisProbe(client).peek(shard, START, limit)


def test_a_peek_has_records_lag_and_tip() -> None:
    """An answer with fewer records than the limit and without lag is the tip."""
    records = (RecordRef("5", ARRIVED_MS),)
    client = ScriptedClient([page(5, millis_behind_latest=0)])
    assert peek(client) == Peek(records, millis_behind_latest=0, at_tip=True)
    client = ScriptedClient([page(5, millis_behind_latest=9)])
    assert peek(client) == Peek(records, millis_behind_latest=9, at_tip=False)


def test_a_full_answer_is_not_the_tip() -> None:
    """More records may follow, although the answer reports no lag."""
    assert not peek(ScriptedClient([page(5, 6, millis_behind_latest=0)])).at_tip


def test_empty_answers_with_a_lag_are_skipped() -> None:
    empty = page(millis_behind_latest=60_000)
    found = peek(ScriptedClient([empty, empty, page(5)]))
    assert [record.sequence_number for record in found.records] == ["5"]


def test_a_quiet_answer_is_the_tip_of_an_open_shard() -> None:
    assert peek(ScriptedClient([QUIET])) == Peek((), 0, at_tip=True)


def test_a_closed_shard_ends_with_a_null_iterator() -> None:
    found = peek(ScriptedClient([page(5, next_iterator=None)]), CLOSED)
    assert (len(found.records), found.at_tip, found.at_end) == (1, True, True)
    assert peek(ScriptedClient([QUIET, END]), CLOSED) == Peek((), 0, at_tip=True, at_end=True)


def test_three_quiet_answers_end_a_closed_shard() -> None:
    """Some servers never return a null iterator."""
    client = ScriptedClient([QUIET, QUIET, QUIET, page(5)])
    assert peek(client, CLOSED) == Peek((), 0, at_tip=True, at_end=True)
    client = ScriptedClient([QUIET, QUIET, page(5)])
    assert [record.sequence_number for record in peek(client, CLOSED).records] == ["5"]


def test_an_expired_iterator_is_replaced_by_one_at_the_same_point() -> None:
    client = ScriptedClient([ExpiredIteratorError(), page(5)])
    assert len(peek(client).records) == 1
    assert client.starts == [START, START]


def test_a_future_time_has_no_records() -> None:
    client = ScriptedClient([])
    client.rejects_next_start = True
    found = KinesisProbe(client).peek(OPEN, StartingPoint.at_time(ARRIVED_MS), 1)
    assert found == Peek((), 0, at_tip=True)


def test_a_peek_at_a_missing_record_starts_at_the_trim_horizon() -> None:
    client = ScriptedClient([page(9)])
    client.rejects_next_start = True
    found = KinesisProbe(client).peek(OPEN, StartingPoint.at("5"), 2)
    assert [record.sequence_number for record in found.records] == ["9"]
    assert client.starts == [StartingPoint.at("5"), StartingPoint.trim_horizon()]


def test_an_idle_shard_costs_one_call() -> None:
    """The iterator after its last record is kept until a record arrives."""
    client = ScriptedClient([page(5, millis_behind_latest=0), QUIET, QUIET, page(6)])
    probe = KinesisProbe(client)
    probe.peek(OPEN, StartingPoint.at("5"), 2)
    assert [probe.is_quiet(OPEN, "5") for _ in range(3)] == [True, True, False]
    assert len(client.starts) == 1
    assert client.read_from == ["iterator 1", "next", "next", "next"]


def test_a_shard_is_not_known_to_be_quiet_without_a_matching_iterator() -> None:
    """There was no peek, another record is the last one, or the iterator has expired."""
    client = ScriptedClient([page(5, millis_behind_latest=0), ExpiredIteratorError()])
    probe = KinesisProbe(client)
    assert not probe.is_quiet(OPEN, "5")
    probe.peek(OPEN, StartingPoint.at("5"), 2)
    assert not probe.is_quiet(OPEN, "4")
    assert not probe.is_quiet(OPEN, "5")
    client = ScriptedClient([page(5, millis_behind_latest=0), ExpiredIteratorError()])
    probe = KinesisProbe(client)
    probe.peek(OPEN, StartingPoint.at("5"), 2)
    assert not probe.is_quiet(OPEN, "5")
