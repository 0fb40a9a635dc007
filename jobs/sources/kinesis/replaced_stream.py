"""Detect that a stream was deleted, and that another one was created with its name. Pure.

The shards of the new stream have the names of the old ones, so positions look valid. None of them
may be used: a shard that was read to its end would never be read again. The time of creation is
later than each plan on the earlier stream. Offsets of all versions contain the time of their plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.sources.kinesis.data_loss import iso_time, loss_of_shard
from jobs.sources.kinesis.offset import Offset, Position, State

# The time of a plan is corrected by the clock of the stream, except for up to 2 s.
_MAX_SKEW_MS = 5_000


@dataclass(frozen=True)
class ReplacedStream:
    """The stream that has the name now was created after `read_ms`, the last time of a record."""

    stream: str
    created_ms: int
    read_ms: int

    def __str__(self) -> str:
        return (
            f"stream '{self.stream}' was created at {iso_time(self.created_ms)}, after the last "
            f"record that was read ({iso_time(self.read_ms)}): it is another stream of the same "
            "name, and what was not read of the earlier one is lost. To continue with the oldest "
            "record of this stream, set failOnDataLoss=false for one start; the offset records "
            "the gap"
        )


def was_replaced(created_ms: int | None, planned_ms: int) -> bool:
    """Whether a stream was created after a plan on the stream of its name."""
    return created_ms is not None and created_ms > planned_ms + _MAX_SKEW_MS


def replaced_stream(stream: str, created_ms: int | None, start: Offset) -> ReplacedStream | None:
    """The other stream, if `start` was planned before the stream was created."""
    if start.initial is not None or created_ms is None:
        return None
    if not was_replaced(created_ms, start.as_of_ms):
        return None
    arrivals = [position.arrived_ms for position in start.shards.values()]
    read_ms = max((arrived for arrived in arrivals if arrived), default=start.as_of_ms)
    return ReplacedStream(stream, created_ms, read_ms)


def begin_again(
    replaced: ReplacedStream, start: Offset, shards: Iterable[str], now_ms: int
) -> Offset:
    """The offset before all records of the new stream, which ends an empty batch.

    Each shard of the earlier stream that was not read to its end has a gap.
    """
    gaps = {
        shard_id: loss_of_shard(shard_id, position, now_ms).gap()
        for shard_id, position in start.shards.items()
        if position.state is not State.SHARD_END
    }
    return Offset(
        as_of_ms=now_ms,
        shards=dict.fromkeys(shards, Position(State.TRIM_HORIZON, since_ms=replaced.created_ms)),
        gaps={**start.gaps, **gaps},
        gap_count=start.gap_count + len(gaps),
    )
