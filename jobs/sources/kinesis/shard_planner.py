"""Plan one shard: peek at its unread records, detect a loss, choose where the batch ends.

Pure, except that the probe reads from the stream.
"""

from dataclasses import dataclass, replace

from jobs.sources.kinesis.batch_end import Bounds, batch_end
from jobs.sources.kinesis.data_loss import Loss, loss_after_record, loss_before_first_read
from jobs.sources.kinesis.model import Peek, Probe, Shard, StartingPoint
from jobs.sources.kinesis.offset import Position, State

# The first peek returns the first unread record and, for a shard with few, also the last.
_FIRST_PEEK_RECORDS = 50
_NO_RECORDS = Peek((), millis_behind_latest=0, at_tip=True)


@dataclass(frozen=True)
class UnreadView:
    """The first unread records of a shard, and the loss before them."""

    peek: Peek
    loss: Loss | None = None


@dataclass(frozen=True)
class ShardPlan:
    """The position of a shard after this batch."""

    position: Position
    loss: Loss | None = None

    @property
    def has_nothing_left(self) -> bool:
        """Whether the shard ended before this batch, so that its children need not wait for it."""
        return self.position.state is State.SHARD_END and self.position.first is None


def view_unread(probe: Probe, shard: Shard, position: Position, now_ms: int) -> UnreadView:
    """Peek at the first unread records, and detect a loss before them."""
    if position.state is State.AFTER:
        return _view_after_record(probe, shard, position, now_ms)
    if position.state is State.AT_TIMESTAMP and position.at_ms is not None:
        start = StartingPoint.at_time(position.at_ms)
    else:
        start = StartingPoint.trim_horizon()
    peek = probe.peek(shard, start, _FIRST_PEEK_RECORDS)
    oldest = peek.records[0].sequence_number if peek.records else None
    return UnreadView(
        peek,
        loss_before_first_read(shard.shard_id, position, oldest, now_ms, probe.retention_ms),
    )


def plan_shard(
    probe: Probe, shard: Shard, position: Position, unread: UnreadView, bounds: Bounds
) -> ShardPlan:
    """Choose the next position of the shard; the same one if there is nothing to read."""
    peek, loss, now_ms = unread.peek, unread.loss, bounds.now_ms
    if not peek.records and peek.at_end and shard.is_closed:
        return ShardPlan(Position(State.SHARD_END, since_ms=now_ms), loss)
    if not peek.records or not bounds.admits(peek.records[0]):
        return ShardPlan(_unmoved(position, unread, now_ms), loss)
    first = peek.records[0].sequence_number
    end = batch_end(probe, shard, peek, bounds)
    if end.record is None:
        return ShardPlan(Position(State.SHARD_END, first=first, since_ms=now_ms), loss)
    return ShardPlan(
        Position(
            State.AFTER,
            end.record.sequence_number,
            first=first,
            arrived_ms=end.record.arrived_ms,
            since_ms=end.record.arrived_ms if end.millis_behind_latest else now_ms,
            millis_behind_latest=end.millis_behind_latest,
        ),
        loss,
    )


def _view_after_record(probe: Probe, shard: Shard, position: Position, now_ms: int) -> UnreadView:
    """Peek from the position's own record on. If it still exists, nothing was lost."""
    number = str(position.sequence_number)
    if probe.is_quiet(shard, number):
        return UnreadView(_NO_RECORDS)
    peek = probe.peek(shard, StartingPoint.at(number), _FIRST_PEEK_RECORDS)
    if not peek.records or peek.records[0].sequence_number != number:
        oldest = peek.records[0].sequence_number if peek.records else None
        loss = loss_after_record(shard.shard_id, position, oldest, now_ms, probe.retention_ms)
        return UnreadView(peek, loss)
    unread = replace(peek, records=peek.records[1:])
    is_complete = unread.at_end if shard.is_closed else unread.at_tip
    if unread.records or is_complete:
        return UnreadView(unread)
    return UnreadView(probe.peek(shard, StartingPoint.after(number), _FIRST_PEEK_RECORDS))


def _unmoved(position: Position, unread: UnreadView, now_ms: int) -> Position:
    """The same position, confirmed at `now_ms`. After a loss: the oldest record that is left."""
    peek = unread.peek
    since = peek.records[0].arrived_ms if peek.records else now_ms
    if unread.loss is not None:
        return Position(
            State.TRIM_HORIZON, since_ms=since, millis_behind_latest=peek.millis_behind_latest
        )
    if not peek.records and not peek.at_tip:
        return position
    return replace(position, since_ms=since, millis_behind_latest=peek.millis_behind_latest)
