"""Detect whether records may have left a stream before they were read. Pure.

A stream keeps records for its retention time. Kinesis then trims them, and a reader continues with
the oldest record that is left, without an error. Therefore the record of a position is looked up:
while it exists, no record after it was trimmed. If it is gone, nothing was lost only if two
conditions hold: the record expired at its time, and the shard was seen without a later record less
than a retention time ago.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.sources.kinesis.offset import Gap, Position

# Kinesis trims by its own clock, a little before or after the time.
_SLACK_MS = 5 * 60_000
# No stream keeps records for less than a day, so a younger position needs no call.
_MIN_RETENTION_MS = 24 * 3_600_000


def iso_time(ms: int) -> str:
    """`1763888000123` -> `"2025-11-23T08:53:20+00:00"`"""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Loss:
    """Records of a shard that are gone, or may be. `resumed_at` is the oldest record left."""

    shard_id: str
    position: Position
    resumed_at: str | None
    now_ms: int

    @property
    def age_ms(self) -> int:
        """The greatest possible age of the oldest lost record."""
        since = self.position.since_ms or self.position.arrived_ms or self.now_ms
        return self.now_ms - since

    @property
    def after(self) -> str:
        return self.position.sequence_number or self.position.state.value

    def gap(self) -> Gap:
        return Gap(self.after, self.age_ms, self.resumed_at)

    def __str__(self) -> str:
        known = self.position.arrived_ms or self.position.since_ms
        time = iso_time(known) if known else "an unknown time"
        left = f"the oldest left is {self.resumed_at}" if self.resumed_at else "none is left"
        return (
            f"shard {self.shard_id}: records after position {self.after} of {time} left the "
            f"stream, or may have, before they were read: {left}, and up to "
            f"{timedelta(milliseconds=self.age_ms)} of records is lost. Raise the stream's "
            "retention, and set failOnDataLoss=false to continue after the gap"
        )


def loss_after_record(
    shard_id: str,
    position: Position,
    oldest: str | None,
    now_ms: int,
    retention_ms: Callable[[], int],
) -> Loss | None:
    """The loss, if the record at `position` is gone and `oldest` is the first one left."""
    loss = Loss(shard_id, position, oldest, now_ms)
    if position.arrived_ms is None or position.since_ms is None:
        return loss
    retention = retention_ms()
    has_expired = now_ms - position.arrived_ms >= retention - _SLACK_MS
    was_idle = now_ms - position.since_ms < retention - _SLACK_MS
    return None if has_expired and was_idle else loss


def loss_before_first_read(
    shard_id: str,
    position: Position,
    oldest: str | None,
    now_ms: int,
    retention_ms: Callable[[], int],
) -> Loss | None:
    """The loss in a shard that was never read: possible if it waited longer than the retention."""
    if position.since_ms is None:
        return None
    waited_ms = now_ms - position.since_ms
    if waited_ms < _MIN_RETENTION_MS - _SLACK_MS or waited_ms < retention_ms() - _SLACK_MS:
        return None
    return Loss(shard_id, position, oldest, now_ms)


def loss_of_shard(shard_id: str, position: Position, now_ms: int) -> Loss:
    """The loss, if a shard left the stream before it was read to its end."""
    return Loss(shard_id, position, None, now_ms)
