"""A stream in memory: shards that split and merge, arrival times that decrease, trimmed records.

It answers peeks as `KinesisProbe` does, and reads ranges as `reader` does. A whole run can
therefore be tested without a server.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from jobs.sources.kinesis.model import IteratorType, Peek, RecordRef, Shard, StartingPoint
from jobs.sources.kinesis.offset import Offset, Position, Range, State, ranges
from jobs.sources.kinesis.planner import Admission, Planner

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class SameThread(Executor):
    """Runs each call at once, in the same thread."""

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
    records: list[RecordRef] = field(default_factory=list)
    trimmed: int = 0


@dataclass
class ModelStream:
    """A stream and its clock.

    ends_shards:     False for an emulator that never ends a closed shard with a null iterator
    longest_answer:  the number of records in one answer, at most
    peeks:           the number of peeks so far
    created_at:      when it was created
    """

    now_ms: int = 1_700_000_000_000
    created_at: int = 1_600_000_000_000
    retention: int = DAY_MS
    ends_shards: bool = True
    longest_answer: int = 10_000
    peeks: int = 0
    contents: dict[str, ModelShard] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(7, 10**9, 7)))

    @classmethod
    def of(cls, shards: int, **settings: Any) -> "ModelStream":
        stream = cls(**settings)
        for _ in range(shards):
            stream.add_shard()
        return stream

    # Calls of producers and operators

    def add_shard(self, *parents: str) -> str:
        for parent in parents:
            closed = self.contents[parent]
            closed.shard = Shard(parent, closed.shard.parents, is_closed=True)
        shard_id = f"shard-{len(self.contents):03d}"
        self.contents[shard_id] = ModelShard(Shard(shard_id, parents))
        return shard_id

    def split(self, shard_id: str) -> tuple[str, str]:
        return self.add_shard(shard_id), self.add_shard(shard_id)

    def put(
        self, shard_id: str, count: int = 1, *, late_ms: int = 0, every_ms: int = 0
    ) -> list[str]:
        """Put records, and advance the clock by `every_ms` after each. Return their numbers."""
        numbers = []
        for _ in range(count):
            numbers.append(str(next(self._numbers)))
            self.contents[shard_id].records.append(RecordRef(numbers[-1], self.now_ms - late_ms))
            self.now_ms += every_ms
        return numbers

    def trim(self, shard_id: str, records: int) -> None:
        self.contents[shard_id].trimmed += records

    def expire(self) -> None:
        """Trim the records that are older than the retention time."""
        for content in self.contents.values():
            while content.trimmed < len(content.records) and (
                content.records[content.trimmed].arrived_ms < self.now_ms - self.retention
            ):
                content.trimmed += 1

    def shards(self) -> dict[str, Shard]:
        return {shard_id: content.shard for shard_id, content in self.contents.items()}

    def open_shards(self) -> list[str]:
        return [name for name, shard in self.shards().items() if not shard.is_closed]

    # Calls of the planner: `Probe`

    def peek(self, shard: Shard, start: StartingPoint, limit: int) -> Peek:
        self.peeks += 1
        left = list(self._from(self.contents[shard.shard_id], start))
        records = tuple(left[: min(limit, self.longest_answer)])
        if not records:
            return Peek((), 0, at_tip=True, at_end=shard.is_closed)
        rest = left[len(records) :]
        lag_ms = max(1, self.now_ms - records[-1].arrived_ms) if rest else 0
        at_end = shard.is_closed and not rest and self.ends_shards
        at_tip = at_end or (not rest and len(records) < limit)
        return Peek(records, lag_ms, at_tip, at_end)

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        records = self.contents[shard.shard_id].records
        return not shard.is_closed and records[-1].sequence_number == sequence_number

    def retention_ms(self) -> int:
        return self.retention

    def created_ms(self) -> int:
        return self.created_at

    # Calls of the executors

    def read(self, planned: Range) -> list[str]:
        """The sequence numbers of a range, whose first and last record must exist."""
        content = self.contents[planned.shard_id]
        left = [record.sequence_number for record in content.records[content.trimmed :]]
        begin = left.index(planned.first)
        end = len(left) if planned.last is None else left.index(planned.last) + 1
        assert begin < end
        return left[begin:end]

    @staticmethod
    def _from(content: ModelShard, start: StartingPoint) -> Iterator[RecordRef]:
        records = content.records[content.trimmed :]
        if start.type is IteratorType.TRIM_HORIZON:
            return iter(records)
        if start.type is IteratorType.AT_TIMESTAMP:
            found = (
                i for i, record in enumerate(records) if record.arrived_ms >= (start.time_ms or 0)
            )
            return iter(records[next(found, len(records)) :])
        number = int(start.sequence_number or 0)
        if start.type is IteratorType.AFTER_SEQUENCE_NUMBER:
            number += 1
        return (record for record in records if record.order >= number)


@dataclass
class Query:
    """A streaming query over a model: it plans and reads one batch after the other."""

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

    def restart(self, stored: Mapping[str, Any] | None = None) -> None:
        """Start a new process, for which only the stored offset is left."""
        self.offset = Offset.from_json(self.offset.to_json() if stored is None else stored)
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
        """Plan and read a batch. Return the sequence numbers by shard."""
        start, self.offset = self.offset, self.plan()
        moved = ranges(start, self.offset)
        rows = {planned.shard_id: self.stream.read(planned) for planned in moved}
        for shard_id, numbers in rows.items():
            self.read.setdefault(shard_id, []).extend(numbers)
        self.log.append(self.offset)
        return rows

    def drain(self) -> None:
        """Run batches until the offset stays the same."""
        before = None
        while before != self.offset:
            before = self.offset
            self.batch()
