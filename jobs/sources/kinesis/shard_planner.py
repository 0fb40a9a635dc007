"""Plan one shard: look at what is unread, check that nothing was lost, choose the end. Pure but
for the looks of the probe."""

from dataclasses import dataclass, replace

from jobs.sources.kinesis.batch_end import Bounds, batch_end
from jobs.sources.kinesis.data_loss import Loss, loss_before_first_read, loss_behind_record
from jobs.sources.kinesis.model import Glimpse, Probe, Shard, StartingPoint
from jobs.sources.kinesis.offset import Position, State

# A look this deep shows the first unread record and, of a shard with little, the last.
_FIRST_LOOK = 50
_NOTHING_NEW = Glimpse((), behind_ms=0, at_tip=True)


@dataclass(frozen=True)
class View:
    """The first unread records of a shard, and what was lost before them."""

    unread: Glimpse
    loss: Loss | None = None


@dataclass(frozen=True)
class Step:
    """Where a shard goes in this batch."""

    position: Position
    loss: Loss | None = None

    @property
    def has_nothing_left(self) -> bool:
        """Drained, and not by this batch: the shard's children need not wait for it."""
        return self.position.state is State.DRAINED and self.position.first is None


def view(probe: Probe, shard: Shard, position: Position, now_ms: int) -> View:
    """Look at the first unread records."""
    if position.state is State.AFTER:
        return _behind_record(probe, shard, position, now_ms)
    if position.state is State.AT_TIMESTAMP and position.at_ms is not None:
        start = StartingPoint.at_time(position.at_ms)
    else:
        start = StartingPoint.trim_horizon()
    unread = probe.look(shard, start, _FIRST_LOOK)
    oldest = unread.marks[0].sequence_number if unread.marks else None
    return View(
        unread,
        loss_before_first_read(shard.shard_id, position, oldest, now_ms, probe.retention_ms),
    )


def step(probe: Probe, shard: Shard, position: Position, seen: View, bounds: Bounds) -> Step:
    """Choose the shard's next position; the same one if there is nothing to read."""
    unread, now_ms = seen.unread, bounds.now_ms
    if not unread.marks and unread.at_end and shard.is_closed:
        return Step(Position(State.DRAINED, since_ms=now_ms), seen.loss)
    if not unread.marks or not bounds.admits(unread.marks[0]):
        return Step(_unmoved(position, seen, now_ms), seen.loss)
    first = unread.marks[0].sequence_number
    end = batch_end(probe, shard, unread, bounds)
    if end.mark is None:
        return Step(Position(State.DRAINED, first=first, since_ms=now_ms), seen.loss)
    return Step(
        Position(
            State.AFTER,
            end.mark.sequence_number,
            first=first,
            arrived_ms=end.mark.arrived_ms,
            since_ms=end.mark.arrived_ms if end.behind_ms else now_ms,
            behind_ms=end.behind_ms,
        ),
        seen.loss,
    )


def _behind_record(probe: Probe, shard: Shard, position: Position, now_ms: int) -> View:
    """Look from the position's own record on: that it is there proves that nothing was lost."""
    number = str(position.sequence_number)
    if probe.is_quiet(shard, number):
        return View(_NOTHING_NEW)
    found = probe.look(shard, StartingPoint.at(number), _FIRST_LOOK)
    if not found.marks or found.marks[0].sequence_number != number:
        oldest = found.marks[0].sequence_number if found.marks else None
        loss = loss_behind_record(shard.shard_id, position, oldest, now_ms, probe.retention_ms)
        return View(found, loss)
    unread = replace(found, marks=found.marks[1:])
    is_settled = unread.at_end if shard.is_closed else unread.at_tip
    if unread.marks or is_settled:
        return View(unread)
    return View(probe.look(shard, StartingPoint.after(number), _FIRST_LOOK))


def _unmoved(position: Position, seen: View, now_ms: int) -> Position:
    """The same place, as of now. Behind a loss it is the oldest record that is left."""
    unread = seen.unread
    since = unread.marks[0].arrived_ms if unread.marks else now_ms
    if seen.loss is not None:
        return Position(State.TRIM_HORIZON, since_ms=since, behind_ms=unread.behind_ms)
    if not unread.marks and not unread.at_tip:
        return position
    return replace(position, since_ms=since, behind_ms=unread.behind_ms)
