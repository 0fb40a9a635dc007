"""How the planner looks into a real stream. Runs on the driver."""

import time
from dataclasses import dataclass, field
from threading import Lock

from jobs.sources.kinesis.client import (
    Answer,
    ExpiredIteratorError,
    KinesisClient,
    RefusedStartError,
)
from jobs.sources.kinesis.model import Glimpse, IteratorType, Mark, Shard, StartingPoint

# Iterators live for five minutes.
_ITERATOR_LIFE_SECONDS = 240
# Kinesis ends a closed shard with a null iterator. Servers that never do are taken at their
# word after so many answers in a row without records that say that nothing is behind them.
QUIET_ANSWERS = 3

_NOTHING = Glimpse((), behind_ms=0, at_tip=True)


@dataclass
class KinesisProbe:
    """Looks by GetShardIterator and GetRecords; remembers the iterators of idle shards."""

    client: KinesisClient
    _idle: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def look(self, shard: Shard, start: StartingPoint, limit: int) -> Glimpse:
        try:
            return self._look(shard, start, limit)
        except RefusedStartError:
            if start.type is IteratorType.AT_TIMESTAMP:
                return _NOTHING  # the time is still to come
            # A sequence number that is gone; what is left starts at the trim horizon.
            return self._look(shard, StartingPoint.trim_horizon(), limit)

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        with self._lock:
            last, iterator, made = self._idle.pop(shard.shard_id, ("", "", 0.0))
        if last != sequence_number or time.monotonic() - made > _ITERATOR_LIFE_SECONDS:
            return False
        try:
            answer = self.client.records(shard.shard_id, iterator, limit=1)
        except ExpiredIteratorError:
            return False
        if answer.records or answer.behind_ms or answer.next_iterator is None:
            return False
        self._remember(shard, sequence_number, answer.next_iterator)
        return True

    def retention_ms(self) -> int:
        return self.client.retention_ms()

    def _look(self, shard: Shard, start: StartingPoint, limit: int) -> Glimpse:
        answer = self._first_records(shard, start, limit)
        records = answer.records
        marks = tuple(
            Mark(number, arrived_us // 1000)
            for number, arrived_us in zip(records.sequence_numbers, records.arrived_us, strict=True)
        )
        at_end = answer.next_iterator is None or (shard.is_closed and not marks)
        # An answer that is full may have more behind it, even where a server says 0: arrival
        # times have a resolution.
        at_tip = at_end or (len(marks) < limit and answer.behind_ms == 0)
        if at_tip and len(marks) == 1 and answer.next_iterator is not None:
            self._remember(shard, marks[0].sequence_number, answer.next_iterator)
        return Glimpse(marks, answer.behind_ms, at_tip, at_end)

    def _first_records(self, shard: Shard, start: StartingPoint, limit: int) -> Answer:
        """The first answer with records, or the one that says that there are none."""
        iterator = self.client.iterator(shard.shard_id, start)
        quiet = 0
        while True:
            try:
                answer = self.client.records(shard.shard_id, iterator, limit)
            except ExpiredIteratorError:
                iterator = self.client.iterator(shard.shard_id, start)
                continue
            if answer.records or answer.next_iterator is None:
                return answer
            quiet = quiet + 1 if answer.behind_ms == 0 else 0
            if quiet >= (QUIET_ANSWERS if shard.is_closed else 1):
                return answer
            iterator = answer.next_iterator

    def _remember(self, shard: Shard, sequence_number: str, iterator: str) -> None:
        if not shard.is_closed:
            with self._lock:
                self._idle[shard.shard_id] = (sequence_number, iterator, time.monotonic())
