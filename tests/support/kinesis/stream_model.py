"""A stream in memory: shards that split and merge, records whose arrival times go back, trimming.

It answers the planner's looks as `KinesisProbe` does, and reads ranges as `kinesis_read` does, so
that a whole run can be checked without a server.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from jobs.sources.kinesis.model import Glimpse, IteratorType, Mark, Shard, StartingPoint
from jobs.sources.kinesis.offset import Offset, Position, Range, State, ranges
from jobs.sources.kinesis.planner import Admission, Planner

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class SameThread(Executor):
    """Runs at once what it is given: tests need no threads."""

    def submit(self, call: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass
class ModelShard:
    shard: Shard
    marks: list[Mark] = field(default_factory=list)
    trimmed: int = 0


@dataclass
class ModelStream:
    """`tells_ends` is False for an emulator that never ends a closed shard with a null iterator."""

    now_ms: int = 1_700_000_000_000
    retention: int = DAY_MS
    tells_ends: bool = True
    longest_answer: int = 10_000
    looks: int = 0
    held: dict[str, ModelShard] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(7, 10**9, 7)))

    @classmethod
    def of(cls, shards: int, **settings: Any) -> "ModelStream":
        stream = cls(**settings)
        for _ in range(shards):
            stream.add_shard()
        return stream

    # What producers and operators do

    def add_shard(self, *parents: str) -> str:
        for parent in parents:
            held = self.held[parent]
            held.shard = Shard(parent, held.shard.parents, is_closed=True)
        shard_id = f"shard-{len(self.held):03d}"
        self.held[shard_id] = ModelShard(Shard(shard_id, parents))
        return shard_id

    def split(self, shard_id: str) -> tuple[str, str]:
        return self.add_shard(shard_id), self.add_shard(shard_id)

    def put(
        self, shard_id: str, count: int = 1, *, late_ms: int = 0, every_ms: int = 0
    ) -> list[str]:
        """Put records; time passes by `every_ms` after each. Returns their sequence numbers."""
        numbers = []
        for _ in range(count):
            numbers.append(str(next(self._numbers)))
            self.held[shard_id].marks.append(Mark(numbers[-1], self.now_ms - late_ms))
            self.now_ms += every_ms
        return numbers

    def trim(self, shard_id: str, records: int) -> None:
        self.held[shard_id].trimmed += records

    def expire(self) -> None:
        """Trim what the retention time is over for."""
        for held in self.held.values():
            while held.trimmed < len(held.marks) and (
                held.marks[held.trimmed].arrived_ms < self.now_ms - self.retention
            ):
                held.trimmed += 1

    def shards(self) -> dict[str, Shard]:
        return {shard_id: held.shard for shard_id, held in self.held.items()}

    def open_shards(self) -> list[str]:
        return [name for name, shard in self.shards().items() if not shard.is_closed]

    # What the planner asks

    def look(self, shard: Shard, start: StartingPoint, limit: int) -> Glimpse:
        self.looks += 1
        held = self.held[shard.shard_id]
        left = list(self._from(held, start))
        marks = tuple(left[: min(limit, self.longest_answer)])
        if not marks:
            return Glimpse((), 0, at_tip=True, at_end=shard.is_closed)
        rest = left[len(marks) :]
        behind = max(1, self.now_ms - marks[-1].arrived_ms) if rest else 0
        at_end = shard.is_closed and not rest and self.tells_ends
        at_tip = at_end or (not rest and len(marks) < limit)
        return Glimpse(marks, behind, at_tip, at_end)

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        marks = self.held[shard.shard_id].marks
        return not shard.is_closed and marks[-1].sequence_number == sequence_number

    def retention_ms(self) -> int:
        return self.retention

    # What the executors do

    def read(self, wanted: Range) -> list[str]:
        """The sequence numbers of a range, which must be there from the first to the last."""
        held = self.held[wanted.shard_id]
        left = [mark.sequence_number for mark in held.marks[held.trimmed :]]
        begin = left.index(wanted.first)
        end = len(left) if wanted.last is None else left.index(wanted.last) + 1
        assert begin < end
        return left[begin:end]

    @staticmethod
    def _from(held: ModelShard, start: StartingPoint) -> Iterator[Mark]:
        marks = held.marks[held.trimmed :]
        if start.type is IteratorType.TRIM_HORIZON:
            return iter(marks)
        if start.type is IteratorType.AT_TIMESTAMP:
            found = (i for i, mark in enumerate(marks) if mark.arrived_ms >= (start.time_ms or 0))
            return iter(marks[next(found, len(marks)) :])
        number = int(start.sequence_number or 0)
        if start.type is IteratorType.AFTER_SEQUENCE_NUMBER:
            number += 1
        return (mark for mark in marks if mark.order >= number)


@dataclass
class Query:
    """A streaming query over a model: plans batch after batch, and reads each."""

    stream: ModelStream
    admission: Admission = field(default_factory=Admission)
    fail_on_data_loss: bool = True
    resume_from: Mapping[str, str] = field(default_factory=dict)
    initial: Position | None = None
    read: dict[str, list[str]] = field(default_factory=dict)
    log: list[Offset] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = self.stream.now_ms
        initial = self.initial or Position(State.TRIM_HORIZON, since_ms=now)
        self.offset = Offset(as_of_ms=now, initial=initial)
        self.restart()

    def restart(self) -> None:
        """A new process, of which only the offset survived."""
        self.offset = Offset.from_json(self.offset.to_json())
        self.planner = Planner(
            self.stream,
            SameThread(),
            resume_from=self.resume_from,
            fail_on_data_loss=self.fail_on_data_loss,
        )

    def plan(self) -> Offset:
        return self.planner.plan(
            self.offset, self.stream.shards(), self.admission, self.stream.now_ms
        )

    def batch(self) -> dict[str, list[str]]:
        """Plan and read a batch; the sequence numbers by shard."""
        start, self.offset = self.offset, self.plan()
        rows = {wanted.shard_id: self.stream.read(wanted) for wanted in ranges(start, self.offset)}
        for shard_id, numbers in rows.items():
            self.read.setdefault(shard_id, []).extend(numbers)
        self.log.append(self.offset)
        return rows

    def drain(self) -> None:
        """Batch after batch until the offset stays the same."""
        before = None
        while before != self.offset:
            before = self.offset
            self.batch()
