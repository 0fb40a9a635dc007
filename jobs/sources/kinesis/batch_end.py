"""Where a batch ends in one shard: a record that exists, found by few looks.

Pure but for the looks. Arrival times only choose where to cut; they may go back from one record
to the next without any record being lost or read twice, because what is chosen is a sequence
number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from jobs.sources.kinesis.model import Glimpse, Mark, Probe, Shard, StartingPoint, furthest

# Records of a look that walks on to the tip, and of the one that samples the density.
_PAGE = 1_000
_GALLOP = 4
# A stretch of time that is read record by record rather than halved.
_SHORT_MS = 200


@dataclass(frozen=True)
class Bounds:
    """What limits a batch in one shard.

    tip_lag_ms:  a busy shard is cut at the first record that arrived this long before now
    until_ms:    no record that arrived at or after this time is taken; None is no limit
    span_ms:     how much time of arrival is taken at most; None is no limit
    records:     how many records to aim at; None is no limit
    looks:       how often the shard may be looked into; what is not found then waits
    """

    now_ms: int
    tip_lag_ms: int
    until_ms: int | None = None
    span_ms: int | None = None
    records: int | None = None
    looks: int = 100

    def admits(self, mark: Mark) -> bool:
        return self.until_ms is None or mark.arrived_ms < self.until_ms


@dataclass(frozen=True)
class End:
    """The last record of a batch; None: whatever a closed shard holds, to its end."""

    mark: Mark | None
    behind_ms: int


def batch_end(probe: Probe, shard: Shard, unread: Glimpse, bounds: Bounds) -> End:
    """Where to end a batch that starts at the first mark of `unread`, which `bounds` admit."""
    return _Search(probe, shard, bounds, unread.marks[0]).end(unread)


@dataclass
class _Search:
    probe: Probe
    shard: Shard
    bounds: Bounds
    first: Mark
    _looks: int = field(default=0, init=False)
    _furthest: Mark = field(init=False)
    _behind_ms: int = field(default=0, init=False)

    def end(self, unread: Glimpse) -> End:
        """Try what the look at hand tells; then sample, if a number of records is wanted; then
        look at the time at which to cut; and search for the tip if nothing arrived since."""
        found = self._within(unread.marks, unread)
        if found is not None:
            return found
        seen, glimpse = unread.marks, unread
        if self.bounds.records is not None:
            glimpse = self._look(
                StartingPoint.after(seen[-1].sequence_number),
                min(_PAGE, self.bounds.records - len(seen)),
            )
            seen += glimpse.marks
            found = self._within(seen, glimpse)
            if found is not None:
                return found
        return self._cut(seen, glimpse)

    def _within(self, seen: Sequence[Mark], last: Glimpse) -> End | None:
        """The end, if it is among the records seen from the first one on."""
        count = self._count(seen)
        if count < len(seen) or count == self.bounds.records:
            return _cut_at(seen[count - 1], seen, last)
        if last.at_tip:
            return End(None if self.shard.is_closed else seen[-1], last.behind_ms)
        return None

    def _count(self, seen: Sequence[Mark]) -> int:
        """How many of the records seen the batch may hold: one at least."""
        counts = [len(tuple(takewhile(self.bounds.admits, seen)))]
        if self.bounds.records is not None:
            counts.append(self.bounds.records)
        if self.bounds.span_ms is not None:
            end = self.first.arrived_ms + self.bounds.span_ms
            counts.append(len(tuple(takewhile(lambda mark: mark.arrived_ms < end, seen))) + 1)
        return min(counts)

    def _cut(self, seen: Sequence[Mark], last: Glimpse) -> End:
        known = seen[-1]
        admission = self._admission_ms(seen)
        if admission is not None and admission <= known.arrived_ms:
            return End(known, last.behind_ms)
        cut = self._cut_ms(admission)
        if cut is None:
            return End(None, 0)
        if cut > known.arrived_ms:
            found = self._look(StartingPoint.at_time(cut), 1)
            if found.marks and self.bounds.admits(found.marks[0]):
                return End(furthest((known, found.marks[0])), found.behind_ms)
            if not found.marks and self.shard.is_closed:
                return End(None, 0)
        return self._tip(known, last.behind_ms, max(cut, known.arrived_ms + 1))

    def _admission_ms(self, seen: Sequence[Mark]) -> int | None:
        """The time at which the batch is as long, or as full, as it may be."""
        spans = [] if self.bounds.span_ms is None else [self.bounds.span_ms]
        if self.bounds.records is not None:
            elapsed = max(1, seen[-1].arrived_ms - self.first.arrived_ms)
            spans.append(elapsed * self.bounds.records // len(seen))
        return self.first.arrived_ms + min(spans) if spans else None

    def _cut_ms(self, admission: int | None) -> int | None:
        """The earliest of the times that end the batch; None for all of a closed shard."""
        tip = None if self.shard.is_closed else self.bounds.now_ms - self.bounds.tip_lag_ms
        times = [time for time in (admission, tip, self.bounds.until_ms) if time is not None]
        return min(times, default=None)

    def _tip(self, known: Mark, behind_ms: int, nothing_from: int) -> End:
        """The last record before `nothing_from`, at or after which no record is admitted.

        Walks on from a record a page at a time. Where that does not reach the tip, it first gets
        nearer: back from the tip in growing leaps, then by halves.
        """
        self._furthest, self._behind_ms = known, behind_ms
        low, high = known.arrived_ms, nothing_from
        for get_nearer in (self._leap, self._halve):
            if self._walk_to_tip():
                return self._end_here()
            low, high = get_nearer(max(low, self._furthest.arrived_ms), high)
        while not self._walk_to_tip():
            pass
        return self._end_here()

    def _walk_to_tip(self) -> bool:
        """Go a page further; whether this is the tip, as far as the looks go."""
        if self._is_tired():
            return True
        page = self._look(StartingPoint.after(self._furthest.sequence_number), _PAGE)
        admitted = tuple(takewhile(self._is_before_now, page.marks))
        if admitted:
            end = _cut_at(admitted[-1], page.marks, page)
            self._furthest, self._behind_ms = admitted[-1], end.behind_ms
        return page.at_tip or not page.marks or len(admitted) < len(page.marks)

    def _leap(self, low: int, high: int) -> tuple[int, int]:
        """Back from the tip to the first record found, by leaps that grow; the time left."""
        leap = _SHORT_MS
        while high - low > _SHORT_MS and not self._is_tired():
            time = high - min(leap, (high - low) // 2)
            if self._finds_one_at(time):
                return time, high
            high, leap = time, leap * _GALLOP
        return low, high

    def _halve(self, low: int, high: int) -> tuple[int, int]:
        """By halves, until the time left is a short walk."""
        while high - low > _SHORT_MS and not self._is_tired():
            time = (low + high) // 2
            if self._finds_one_at(time):
                low = time
            else:
                high = time
        return low, high

    def _finds_one_at(self, time: int) -> bool:
        """Whether a record arrived at `time` or later that may be taken."""
        found = self._look(StartingPoint.at_time(time), 1)
        if not found.marks or not self.bounds.admits(found.marks[0]):
            return False
        if found.marks[0].order > self._furthest.order:
            self._furthest, self._behind_ms = found.marks[0], found.behind_ms
        return True

    def _end_here(self) -> End:
        return End(self._furthest, self._behind_ms)

    def _is_tired(self) -> bool:
        return self._looks >= self.bounds.looks

    def _is_before_now(self, mark: Mark) -> bool:
        """Bounds the walk on a shard that grows while it is walked."""
        return self.bounds.admits(mark) and mark.arrived_ms <= self.bounds.now_ms

    def _look(self, start: StartingPoint, limit: int) -> Glimpse:
        self._looks += 1
        return self.probe.look(self.shard, start, limit)


def _cut_at(mark: Mark, seen: Sequence[Mark], last: Glimpse) -> End:
    """An end before the last record seen is behind by at least what stands between the two."""
    if mark == seen[-1]:
        return End(mark, last.behind_ms)
    return End(mark, last.behind_ms + max(1, seen[-1].arrived_ms - mark.arrived_ms))
