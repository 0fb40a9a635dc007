"""The planner's access to a real stream. Runs on the driver."""

import time
from dataclasses import dataclass, field
from threading import Lock

from jobs.errors import SourceError
from jobs.sources.kinesis.client import (
    Answer,
    ExpiredIteratorError,
    KinesisClient,
    RefusedStartError,
)
from jobs.sources.kinesis.faults import error_code
from jobs.sources.kinesis.model import IteratorType, Peek, RecordRef, Shard, StartingPoint

# Iterators live for five minutes.
_ITERATOR_LIFE_SECONDS = 240
# Kinesis ends a closed shard with a null iterator. Some servers never do. There, a shard has ended
# after this many answers in a row that have no records and report no lag.
QUIET_ANSWERS = 3

# The iterator is of a stream that was deleted, while another one has its name.
_FOREIGN_ITERATOR = ("InvalidArgumentException", "ResourceNotFoundException")

_NO_RECORDS = Peek((), millis_behind_latest=0, at_tip=True)


@dataclass
class KinesisProbe:
    """Peeks by GetShardIterator and GetRecords, and keeps the iterators of idle shards."""

    client: KinesisClient
    _idle: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def peek(self, shard: Shard, start: StartingPoint, limit: int) -> Peek:
        try:
            return self._peek(shard, start, limit)
        except RefusedStartError:
            if start.type is IteratorType.AT_TIMESTAMP:
                return _NO_RECORDS  # the time is in the future
            # The record is gone; the records that are left start at the trim horizon.
            return self._peek(shard, StartingPoint.trim_horizon(), limit)

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        with self._lock:
            last, iterator, issued = self._idle.pop(shard.shard_id, ("", "", 0.0))
        if last != sequence_number or time.monotonic() - issued > _ITERATOR_LIFE_SECONDS:
            return False
        try:
            answer = self.client.records(shard.shard_id, iterator, limit=1)
        except ExpiredIteratorError:
            return False
        except SourceError as error:
            if error_code(error.__cause__) not in _FOREIGN_ITERATOR:
                raise
            return False
        if answer.records or answer.millis_behind_latest or answer.next_iterator is None:
            return False
        self._remember(shard, sequence_number, answer.next_iterator)
        return True

    def retention_ms(self) -> int:
        return self.client.retention_ms()

    def created_ms(self) -> int | None:
        return self.client.created_ms()

    def _peek(self, shard: Shard, start: StartingPoint, limit: int) -> Peek:
        answer = self._first_records(shard, start, limit)
        columns = answer.records
        records = tuple(
            RecordRef(number, arrived_us // 1000)
            for number, arrived_us in zip(columns.sequence_numbers, columns.arrived_us, strict=True)
        )
        at_end = answer.next_iterator is None or (shard.is_closed and not records)
        # More records may follow a full answer, even if its lag is 0, because arrival times have a
        # limited resolution.
        at_tip = at_end or (len(records) < limit and answer.millis_behind_latest == 0)
        if at_tip and len(records) == 1 and answer.next_iterator is not None:
            self._remember(shard, records[0].sequence_number, answer.next_iterator)
        return Peek(records, answer.millis_behind_latest, at_tip, at_end)

    def _first_records(self, shard: Shard, start: StartingPoint, limit: int) -> Answer:
        """The first answer with records, or the one that ends the search without any."""
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
            quiet = quiet + 1 if answer.millis_behind_latest == 0 else 0
            if quiet >= (QUIET_ANSWERS if shard.is_closed else 1):
                return answer
            iterator = answer.next_iterator

    def _remember(self, shard: Shard, sequence_number: str, iterator: str) -> None:
        if not shard.is_closed:
            with self._lock:
                self._idle[shard.shard_id] = (sequence_number, iterator, time.monotonic())
