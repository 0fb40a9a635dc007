"""Planning batches: every record in one batch, in order, and nothing lost unnoticed."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jobs.sources.kinesis.offset import Offset, Position, Range, State, ranges
from jobs.sources.kinesis.planner import Admission
from tests.support.kinesis.stream_model import HOUR_MS, ModelStream, Query

A, B, C, D = "shard-000", "shard-001", "shard-002", "shard-003"


def text(offset: Offset) -> str:
    return json.dumps(offset.to_json())


class WholeStream(RuleBasedStateMachine):
    """Whatever happens to a stream, each record is read once, in the order of its shard, and a
    child's records in a later batch than those of its parents."""

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

    @rule(longest=st.sampled_from([1, 7, 10_000]), tells_ends=st.booleans())
    def serve_otherwise(self, longest: int, tells_ends: bool) -> None:
        self.stream.longest_answer = longest
        self.stream.tells_ends = tells_ends

    @rule(
        span_ms=st.sampled_from([None, 1, 2_000, HOUR_MS]),
        records=st.sampled_from([None, 1, 60, 5_000]),
        tip_lag_ms=st.sampled_from([0, 1_000]),
    )
    def admit_otherwise(self, span_ms: int | None, records: int | None, tip_lag_ms: int) -> None:
        self.query.admission = Admission(tip_lag_ms, span_ms, records)

    @rule()
    def restart(self) -> None:
        self.query.restart()

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
            name: len(held.marks) - len(self.query.read.get(name, []))
            for name, held in self.stream.held.items()
        }

    def _check_order(self) -> None:
        for shard_id, held in self.stream.held.items():
            put = [mark.sequence_number for mark in held.marks]
            assert self.query.read.get(shard_id, []) == put
        for shard_id, held in self.stream.held.items():
            for parent in held.shard.parents:
                assert max(self._batches_of(parent), default=-1) < min(
                    self._batches_of(shard_id), default=len(self.batches)
                )

    def _batches_of(self, shard_id: str) -> list[int]:
        return [place for place, shards in enumerate(self.batches) if shard_id in shards]


TestWholeStream = WholeStream.TestCase
TestWholeStream.settings = settings(max_examples=60, stateful_step_count=25)


def test_an_idle_stream_keeps_its_offset():
    """Spark runs no batch: not on an empty stream, not behind the last record, not restarted."""
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


def test_the_first_batch_remembers_where_it_started():
    """A query that crashed in its first batch starts anew with another initial offset."""
    stream = ModelStream.of(2)
    numbers = stream.put(A, 3)
    query = Query(stream, initial=Position(State.AT_TIMESTAMP, at_ms=stream.now_ms))
    query.batch()

    later = Offset(0, initial=Position(State.AT_TIMESTAMP, at_ms=stream.now_ms + HOUR_MS))
    assert ranges(later, query.offset) == [Range(A, numbers[0], numbers[-1])]


def test_a_query_from_a_time_on_reads_what_arrived_since():
    """In shards, in their closed parents, and in children that stand there already."""
    stream = ModelStream.of(1)
    stream.put(A, 5, every_ms=1_000)
    left, right = stream.split(A)
    stream.put(left, 5, every_ms=1_000)
    since = stream.now_ms
    expected = {left: stream.put(left, 2), right: stream.put(right, 1)}
    query = Query(stream, initial=Position(State.AT_TIMESTAMP, at_ms=since))
    query.drain()
    assert query.read == expected


def test_children_wait_for_the_batch_that_drains_their_parents():
    stream = ModelStream.of(2)
    parent = stream.put(A, 2)
    child = stream.put(stream.split(A)[0], 2)
    query = Query(stream)
    assert query.batch() == {A: parent}
    assert query.batch() == {C: child}


def test_children_do_not_wait_for_parents_that_have_nothing_left():
    """Three generations, of which the first two are read already or empty: one batch."""
    stream = ModelStream.of(1)
    stream.put(A, 2)
    query = Query(stream)
    query.batch()
    left, right = stream.split(A)
    merged = stream.add_shard(left, right)
    numbers = stream.put(merged, 2)
    assert query.batch() == {merged: numbers}


def test_a_merged_shard_waits_for_both_parents():
    stream = ModelStream.of(2)
    query = Query(stream, Admission(records=2))
    first, second = stream.put(A, 1), stream.put(B, 6)
    merged = stream.put(stream.add_shard(A, B), 1)
    assert query.batch() == {A: first, B: second[:1]}
    while B in (rows := query.batch()):
        assert C not in rows
    assert rows == {C: merged}


def test_an_end_in_time_is_exact():
    """What arrived before it is read, whatever arrives while reading; then the offset stays."""
    stream = ModelStream.of(2)
    before = {B: stream.put(B, 2), A: stream.put(A, 300, every_ms=20)}
    query = Query(stream, Admission(until_ms=stream.now_ms))
    stream.put(A, 2_500, every_ms=1)
    stream.put(B, 1)
    query.drain()
    assert query.read == before

    stream.now_ms += HOUR_MS
    query.admission = Admission()
    query.drain()
    assert [len(query.read[shard]) for shard in (A, B)] == [2_800, 3]


def test_batches_hold_about_as_many_records_as_wanted():
    """Shards with little leave their share to those with more."""
    stream = ModelStream.of(2)
    stream.put(A, 90_000, every_ms=4)
    stream.put(B, 20)
    stream.now_ms += HOUR_MS
    query = Query(stream, Admission(records=10_000))
    sizes = []
    while rows := query.batch():
        sizes.append(sum(len(numbers) for numbers in rows.values()))
    assert sum(sizes) == 90_020
    assert all(9_000 <= size <= 11_000 for size in sizes[:-1])


def test_batches_take_no_more_time_of_arrival_than_wanted():
    stream = ModelStream.of(1)
    stream.put(A, 1_000, every_ms=100)
    query = Query(stream, Admission(span_ms=10_000))
    assert [len(query.batch().get(A, [])) for _ in range(3)] == [101, 101, 101]


def test_the_last_record_of_an_idle_shard_is_found():
    """However long ago it arrived, in one plan and with few looks: not by reading it all."""
    stream = ModelStream.of(1)
    numbers = stream.put(A, 200_000, every_ms=1)
    stream.now_ms += 20 * HOUR_MS
    query = Query(stream)
    assert query.batch() == {A: numbers}
    assert stream.looks < 40


def test_many_shards_take_few_looks():
    """A plan for 300 shards must fit into a trigger: one call for an idle, two for a busy one."""
    stream = ModelStream.of(300)
    for shard_id in stream.held:
        stream.put(shard_id, 1)
    query = Query(stream)
    query.drain()

    stream.looks = 0
    query.plan()
    assert stream.looks == 0

    for shard_id in stream.held:
        stream.put(shard_id, 100, late_ms=2_000)
        stream.put(shard_id, 100)
    stream.now_ms += 500
    stream.looks = 0
    query.plan()
    assert stream.looks == 600


def test_the_lag_is_that_of_the_shard_furthest_behind():
    stream = ModelStream.of(2)
    stream.put(A, 100, every_ms=1_000)
    stream.put(B, 1)
    query = Query(stream, Admission(span_ms=30_000))
    query.batch()
    assert query.offset.shards[A].behind_ms == query.offset.behind_ms == 70_000
    assert query.offset.shards[B].behind_ms == 0


def test_a_query_resumes_behind_what_is_stored():
    """A lost checkpoint over a filled table. Shards that the table does not know start at the
    trim horizon; a parent counts as drained because nothing is left in it, not because its
    child was read."""
    stream = ModelStream.of(3)
    stored, rest = stream.put(A, 2), stream.put(A, 2)
    child, child_rest = stream.put(stream.split(A)[0], 2), stream.put(D, 1)
    unknown = stream.put(B, 1)
    query = Query(stream, resume_from={A: stored[-1], D: child[-1]})
    assert query.batch() == {A: rest, B: unknown}
    assert query.batch() == {D: child_rest}
