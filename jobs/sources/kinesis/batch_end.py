"""Find where a batch ends in one shard: a record that exists, found with few peeks.

Pure, except for the peeks. Arrival times only select where to cut. They may decrease from one
record to the next without any record being lost or read twice, because the cut is a sequence
number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from jobs.sources.kinesis.model import Peek, Probe, RecordRef, Shard, StartingPoint, furthest

# Records of a peek that walks on to the tip, and of the one that samples the density.
_PAGE = 1_000
_GALLOP = 4
# A stretch of time this short is walked record by record, not halved.
_SHORT_MS = 200


@dataclass(frozen=True)
class Bounds:
    """The limits of a batch in one shard.

    tip_lag_ms:  a busy shard is cut at the first record that arrived this long before now
    until_ms:    records that arrived at or after this time are not read; None: no limit
    span_ms:     the longest time of arrival that is read; None: no limit
    records:     the target number of records; None: no limit
    max_peeks:   the number of peeks into the shard; records beyond them wait for the next batch
    """

    now_ms: int
    tip_lag_ms: int
    until_ms: int | None = None
    span_ms: int | None = None
    records: int | None = None
    max_peeks: int = 100

    def admits(self, record: RecordRef) -> bool:
        return self.until_ms is None or record.arrived_ms < self.until_ms


@dataclass(frozen=True)
class End:
    """The last record of a batch; None: everything up to the end of a closed shard."""

    record: RecordRef | None
    millis_behind_latest: int


def batch_end(probe: Probe, shard: Shard, unread: Peek, bounds: Bounds) -> End:
    """The end of a batch that starts at the first record of `unread`, which `bounds` admit."""
    return _EndSearch(probe, shard, bounds, unread.records[0]).end(unread)


@dataclass
class _EndSearch:
    probe: Probe
    shard: Shard
    bounds: Bounds
    first: RecordRef
    _peeks: int = field(default=0, init=False)
    _furthest: RecordRef = field(init=False)
    _millis_behind_latest: int = field(default=0, init=False)

    def end(self, unread: Peek) -> End:
        """Search in the cheapest order.

        1. Use the peek that is already there.
        2. If a number of records is the target, sample the density with a second peek.
        3. Peek at the time at which to cut, and search for the tip if nothing arrived since then.
        """
        end = self._end_within(unread.records, unread)
        if end is not None:
            return end
        seen, peek = unread.records, unread
        if self.bounds.records is not None:
            peek = self._peek(
                StartingPoint.after(seen[-1].sequence_number),
                min(_PAGE, self.bounds.records - len(seen)),
            )
            seen += peek.records
            end = self._end_within(seen, peek)
            if end is not None:
                return end
        return self._end_beyond(seen, peek)

    def _end_within(self, seen: Sequence[RecordRef], last: Peek) -> End | None:
        """The end, if it is among the records seen so far."""
        count = self._admitted_count(seen)
        if count < len(seen) or count == self.bounds.records:
            return _cut_at(seen[count - 1], seen, last)
        if last.at_tip:
            return End(None if self.shard.is_closed else seen[-1], last.millis_behind_latest)
        return None

    def _admitted_count(self, seen: Sequence[RecordRef]) -> int:
        """The number of seen records that the batch may hold: at least one."""
        counts = [len(tuple(takewhile(self.bounds.admits, seen)))]
        if self.bounds.records is not None:
            counts.append(self.bounds.records)
        if self.bounds.span_ms is not None:
            end = self.first.arrived_ms + self.bounds.span_ms
            counts.append(len(tuple(takewhile(lambda record: record.arrived_ms < end, seen))) + 1)
        return min(counts)

    def _end_beyond(self, seen: Sequence[RecordRef], last: Peek) -> End:
        """The end, if it is after the records seen so far."""
        known = seen[-1]
        limit = self._limit_ms(seen)
        if limit is not None and limit <= known.arrived_ms:
            return End(known, last.millis_behind_latest)
        cut = self._cut_ms(limit)
        if cut is None:
            return End(None, 0)
        if cut > known.arrived_ms:
            peek = self._peek(StartingPoint.at_time(cut), 1)
            if peek.records and self.bounds.admits(peek.records[0]):
                return End(furthest((known, peek.records[0])), peek.millis_behind_latest)
            if not peek.records and self.shard.is_closed:
                return End(None, 0)
        return self._tip(known, last.millis_behind_latest, max(cut, known.arrived_ms + 1))

    def _limit_ms(self, seen: Sequence[RecordRef]) -> int | None:
        """The time at which the batch reaches its longest span or its number of records."""
        spans = [] if self.bounds.span_ms is None else [self.bounds.span_ms]
        if self.bounds.records is not None:
            elapsed = max(1, seen[-1].arrived_ms - self.first.arrived_ms)
            spans.append(elapsed * self.bounds.records // len(seen))
        return self.first.arrived_ms + min(spans) if spans else None

    def _cut_ms(self, limit: int | None) -> int | None:
        """The earliest of the times that end the batch; None for all of a closed shard."""
        tip = None if self.shard.is_closed else self.bounds.now_ms - self.bounds.tip_lag_ms
        times = [time for time in (limit, tip, self.bounds.until_ms) if time is not None]
        return min(times, default=None)

    def _tip(self, known: RecordRef, millis_behind_latest: int, nothing_from: int) -> End:
        """The last record before `nothing_from`, at or after which no record is admitted.

        Walks on from `known`, one page at a time. If a page does not reach the tip, first come
        nearer: back from the tip in growing leaps, then by halves.
        """
        self._furthest, self._millis_behind_latest = known, millis_behind_latest
        low, high = known.arrived_ms, nothing_from
        for come_nearer in (self._leap, self._halve):
            if self._walk_to_tip():
                return self._end_here()
            low, high = come_nearer(max(low, self._furthest.arrived_ms), high)
        while not self._walk_to_tip():
            pass
        return self._end_here()

    def _walk_to_tip(self) -> bool:
        """Go one page further. Return whether this is the tip, or no peek is left."""
        if self._has_no_peek_left():
            return True
        page = self._peek(StartingPoint.after(self._furthest.sequence_number), _PAGE)
        admitted = tuple(takewhile(self._is_before_now, page.records))
        if admitted:
            end = _cut_at(admitted[-1], page.records, page)
            self._furthest, self._millis_behind_latest = admitted[-1], end.millis_behind_latest
        return page.at_tip or not page.records or len(admitted) < len(page.records)

    def _leap(self, low: int, high: int) -> tuple[int, int]:
        """Go back from the tip in growing leaps to a record. Return the time that is left."""
        leap = _SHORT_MS
        while high - low > _SHORT_MS and not self._has_no_peek_left():
            time = high - min(leap, (high - low) // 2)
            if self._finds_one_at(time):
                return time, high
            high, leap = time, leap * _GALLOP
        return low, high

    def _halve(self, low: int, high: int) -> tuple[int, int]:
        """Halve the time until a short walk is left. Return the time that is left."""
        while high - low > _SHORT_MS and not self._has_no_peek_left():
            time = (low + high) // 2
            if self._finds_one_at(time):
                low = time
            else:
                high = time
        return low, high

    def _finds_one_at(self, time: int) -> bool:
        """Whether an admitted record arrived at or after `time`."""
        peek = self._peek(StartingPoint.at_time(time), 1)
        if not peek.records or not self.bounds.admits(peek.records[0]):
            return False
        if peek.records[0].order > self._furthest.order:
            self._furthest = peek.records[0]
            self._millis_behind_latest = peek.millis_behind_latest
        return True

    def _end_here(self) -> End:
        return End(self._furthest, self._millis_behind_latest)

    def _has_no_peek_left(self) -> bool:
        return self._peeks >= self.bounds.max_peeks

    def _is_before_now(self, record: RecordRef) -> bool:
        """Bounds the walk on a shard that grows at the same time."""
        return self.bounds.admits(record) and record.arrived_ms <= self.bounds.now_ms

    def _peek(self, start: StartingPoint, limit: int) -> Peek:
        self._peeks += 1
        return self.probe.peek(self.shard, start, limit)


def _cut_at(record: RecordRef, seen: Sequence[RecordRef], last: Peek) -> End:
    """An end at `record`. Its lag is at least the time up to the last record seen."""
    if record == seen[-1]:
        return End(record, last.millis_behind_latest)
    return End(record, last.millis_behind_latest + max(1, seen[-1].arrived_ms - record.arrived_ms))
