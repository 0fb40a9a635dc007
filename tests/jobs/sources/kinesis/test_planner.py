"""Plans of the whole stream: each record in one batch, in order, and equal offsets if idle."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jobs.sources.kinesis.offset import Offset, Position, Range, State, ranges
from jobs.sources.kinesis.planner import Admission
from tests.support.kinesis.stream_model import HOUR_MS, ModelStream, Query
from tests.support.kinesis.version_1 import as_version_1

A, B, C, D = "shard-000", "shard-001", "shard-002", "shard-003"


def text(offset: Offset) -> str:
    return json.dumps(offset.to_json())


class WholeStream(RuleBasedStateMachine):
    """Each record is read once, in the order of its shard, whatever happens to the stream.

    The records of a child shard are in a later batch than those of its parents.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stream = ModelStream.of(2)
        self.query = Query(self.stream)
        self.batches: list[set[str]] = []

    def _shard(self, pick: int) -> str:
        shards = self.stream.open_shards()
        return shards[pick % len(shards)]

    @rule(
        pick=st.integers(0, 9),
        count=st.integers(1, 120),
        every_ms=st.sampled_from([0, 1, 30, 700]),
        late_ms=st.sampled_from([0, 5, 1_500, 60_000]),
    )
    def put(self, pick: int, count: int, every_ms: int, late_ms: int) -> None:
        self.stream.put(self._shard(pick), count, every_ms=every_ms, late_ms=late_ms)

    @rule(pick=st.integers(0, 9))
    def split(self, pick: int) -> None:
        self.stream.split(self._shard(pick))

    @precondition(lambda self: len(self.stream.open_shards()) > 1)
    @rule(pick=st.integers(0, 9))
    def merge(self, pick: int) -> None:
        self.stream.add_shard(self._shard(pick), self._shard(pick + 1))

    @rule(ms=st.sampled_from([1, 900, 5_000, 3 * HOUR_MS]))
    def wait(self, ms: int) -> None:
        self.stream.now_ms += ms

    @rule(longest=st.sampled_from([1, 7, 10_000]), ends_shards=st.booleans())
    def change_answers(self, longest: int, ends_shards: bool) -> None:
        self.stream.longest_answer = longest
        self.stream.ends_shards = ends_shards

    @rule(
        span_ms=st.sampled_from([None, 1, 2_000, HOUR_MS]),
        records=st.sampled_from([None, 1, 60, 5_000]),
        tip_lag_ms=st.sampled_from([0, 1_000]),
    )
    def change_admission(self, span_ms: int | None, records: int | None, tip_lag_ms: int) -> None:
        self.query.admission = Admission(tip_lag_ms, span_ms, records)

    @rule()
    def restart(self) -> None:
        self.query.restart()

    @rule()
    def restart_after_an_upgrade(self) -> None:
        """The earlier release wrote the offset."""
        self.query.restart(as_version_1(self.query.offset.to_json()))

    @rule()
    def batch(self) -> None:
        self.batches.append(set(self.query.batch()))

    @invariant()
    def equal_offsets_are_equal_text(self) -> None:
        again = Offset.from_json(json.loads(text(self.query.offset)))
        assert text(again) == text(self.query.offset)

    def teardown(self) -> None:
        self.query.admission = Admission()
        while any(self._unread().values()):
            before = text(self.query.offset)
            self.batch()
            assert text(self.query.offset) != before, f"stuck at {before}: {self._unread()}"
        self._check_order()

    def _unread(self) -> dict[str, int]:
        return {
            name: len(content.records) - len(self.query.read.get(name, []))
            for name, content in self.stream.contents.items()
        }

    def _check_order(self) -> None:
        for shard_id, content in self.stream.contents.items():
            put = [record.sequence_number for record in content.records]
            assert self.query.read.get(shard_id, []) == put
        for shard_id, content in self.stream.contents.items():
            for parent in content.shard.parents:
                assert max(self._batches_of(parent), default=-1) < min(
                    self._batches_of(shard_id), default=len(self.batches)
                )

    def _batches_of(self, shard_id: str) -> list[int]:
        return [number for number, shards in enumerate(self.batches) if shard_id in shards]


TestWholeStream = WholeStream.TestCase
TestWholeStream.settings = settings(max_examples=60, stateful_step_count=25)


def test_an_idle_stream_keeps_its_offset() -> None:
    """Spark runs no batch on an empty stream, after the last record, or after a restart."""
    stream = ModelStream.of(2)
    query = Query(stream)
    query.batch()
    empty = text(query.offset)
    stream.now_ms += HOUR_MS
    query.batch()
    assert text(query.offset) == empty

    stream.put(A, 3)
    query.batch()
    full = text(query.offset)
    assert full != empty
    stream.now_ms += HOUR_MS
    query.restart()
    assert query.batch() == {}
    assert text(query.offset) == full


def test_the_first_batch_contains_its_start() -> None:
    """A query that crashed in its first batch starts again with another initial offset."""
    stream = ModelStream.of(2)
    numbers = stream.put(A, 3)
    query = Query(stream, initial=Position(State.AT_TIMESTAMP, at_ms=stream.now_ms))
    query.batch()

    later = Offset(0, initial=Position(State.AT_TIMESTAMP, at_ms=stream.now_ms + HOUR_MS))
    assert ranges(later, query.offset) == [Range(A, numbers[0], numbers[-1])]


def test_a_query_from_a_time_reads_the_records_that_arrived_since() -> None:
    """In open shards, in their closed parents, and in children that already exist."""
    stream = ModelStream.of(1)
    stream.put(A, 5, every_ms=1_000)
    left, right = stream.split(A)
    stream.put(left, 5, every_ms=1_000)
    since = stream.now_ms
    expected = {left: stream.put(left, 2), right: stream.put(right, 1)}
    query = Query(stream, initial=Position(State.AT_TIMESTAMP, at_ms=since))
    query.drain()
    assert query.read == expected


def test_children_wait_for_the_batch_that_ends_their_parents() -> None:
    stream = ModelStream.of(2)
    parent = stream.put(A, 2)
    child = stream.put(stream.split(A)[0], 2)
    query = Query(stream)
    assert query.batch() == {A: parent}
    assert query.batch() == {C: child}


def test_children_do_not_wait_for_parents_without_unread_records() -> None:
    """Of three generations, two are empty or already read: one batch."""
    stream = ModelStream.of(1)
    stream.put(A, 2)
    query = Query(stream)
    query.batch()
    left, right = stream.split(A)
    merged = stream.add_shard(left, right)
    numbers = stream.put(merged, 2)
    assert query.batch() == {merged: numbers}


def test_a_merged_shard_waits_for_both_parents() -> None:
    stream = ModelStream.of(2)
    query = Query(stream, Admission(records=2))
    first, second = stream.put(A, 1), stream.put(B, 6)
    merged = stream.put(stream.add_shard(A, B), 1)
    assert query.batch() == {A: first, B: second[:1]}
    while B in (rows := query.batch()):
        assert C not in rows
    assert rows == {C: merged}


def test_a_query_resumes_after_the_stored_records() -> None:
    """The checkpoint is lost, the table is not. Shards that the table lacks start at the trim
    horizon. A parent has ended if nothing in it is unread, not because its child was read."""
    stream = ModelStream.of(3)
    stored, rest = stream.put(A, 2), stream.put(A, 2)
    child, child_rest = stream.put(stream.split(A)[0], 2), stream.put(D, 1)
    missing = stream.put(B, 1)
    query = Query(stream, resume_from={A: stored[-1], D: child[-1]})
    assert query.batch() == {A: rest, B: missing}
    assert query.batch() == {D: child_rest}


def test_a_query_continues_from_an_offset_of_version_1() -> None:
    """After an upgrade no record is lost, and none is read twice, in a shard of any state."""
    stream = ModelStream.of(3)
    stream.put(A, 2)
    stream.put(B, 4)
    stream.split(A)
    stored: dict[str, Any] = {
        "as_of_ms": stream.now_ms,
        "shards": {
            A: {"first": "7", "since_ms": stream.now_ms, "state": "DRAINED"},
            B: {
                **{"arrived_ms": stream.now_ms, "behind_ms": 1, "first": "21"},
                **{"sequence_number": "28", "since_ms": stream.now_ms, "state": "AFTER"},
            },
            C: {"behind_ms": 0, "since_ms": stream.now_ms, "state": "TRIM_HORIZON"},
            D: {"at_ms": stream.now_ms, "since_ms": stream.now_ms, "state": "AT_TIMESTAMP"},
        },
        "version": 1,
    }
    stream.put(D, 1)

    query = Query(stream)
    query.restart(stored)
    query.drain()

    assert query.read == {B: ["35", "42"], D: ["49"]}
    assert query.offset.to_json()["version"] == 2
