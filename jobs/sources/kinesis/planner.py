"""Plan a batch: from the offset so far to the next one. Pure, except for the peeks of a probe.

- The end of a shard is the sequence number of a record that exists, or the end of a closed shard.
- A shard is read after an earlier batch has read all its parents to their end, so that the records
  of a partition key keep their order. A parent without unread records needs no batch of its own.
- If no shard moves, the offset stays the same, byte for byte, and Spark runs no batch.
- The first plan after a start, and each loss, checks that no other stream has taken the name.
- If the record of a position has left the stream, records are lost, unless none can have followed
  it.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from jobs.errors import DataLossError
from jobs.sources.kinesis.batch_end import Bounds
from jobs.sources.kinesis.data_loss import loss_of_shard
from jobs.sources.kinesis.model import Probe, Shard
from jobs.sources.kinesis.offset import Offset, Position, State
from jobs.sources.kinesis.replaced_stream import ReplacedStream, begin_again, replaced_stream
from jobs.sources.kinesis.shard_planner import ShardPlan, UnreadView, plan_shard, view_unread

# Peeks of a plan over all shards, and the least for one shard. The next plan finds what they miss.
_MAX_PEEKS = 3_000
_MIN_PEEKS_PER_SHARD = 6
# The offset of an idle stream is renewed this often, by an empty batch. A restarted query reads
# from it that the stream was idle at that time. This proves that nothing was lost, but only for
# the retention time, which is at least a day.
_RENEWAL_MS = 6 * 3_600_000


@dataclass(frozen=True)
class Admission:
    """The limits of a batch. `records` counts over all shards; None is no limit."""

    tip_lag_ms: int = 1_000
    span_ms: int | None = None
    records: int | None = None
    until_ms: int | None = None

    def bounds(self, busy: Mapping[str, UnreadView], now_ms: int) -> Bounds:
        """The share of each busy shard. Shards with few records leave the rest to the others."""
        records = self.records
        if records is not None:
            few = [len(view.peek.records) for view in busy.values() if view.peek.at_tip]
            records = max(1, (records - sum(few)) // max(1, len(busy) - len(few)))
        max_peeks = max(_MIN_PEEKS_PER_SHARD, _MAX_PEEKS // max(1, len(busy)))
        return Bounds(now_ms, self.tip_lag_ms, self.until_ms, self.span_ms, records, max_peeks)


@dataclass
class Planner:
    """Plans the batches of one query. Runs on the driver, and peeks into shards in parallel."""

    probe: Probe
    threads: Executor
    resume_from: Mapping[str, str] = field(default_factory=dict)
    fail_on_data_loss: bool = True
    stream: str = ""
    _latest: Mapping[str, Position] = field(default_factory=dict)
    _stream_is_known: bool = False

    def plan(
        self, start: Offset, shards: Mapping[str, Shard], admission: Admission, now_ms: int
    ) -> Offset:
        """The offset after the next batch; `start` itself if there is nothing to read.

        Raises:
            DataLossError: records were lost, or may have been, and fail_on_data_loss is true.
        """
        replaced = None if self._stream_is_known else self._replaced(start)
        self._stream_is_known = True
        if replaced is None:
            positions = self._positions(start, shards)
            plans = self._plans(shards, positions, admission, now_ms)
            losses = [plan.loss for plan in plans.values() if plan.loss is not None]
            replaced = self._replaced(start) if losses else None
            if replaced is None:
                if losses and self.fail_on_data_loss:
                    raise DataLossError(str(losses[0]))
                return self._offset(start, shards, positions, plans, now_ms)
        if self.fail_on_data_loss:
            raise DataLossError(str(replaced))
        self._latest = {}
        return begin_again(replaced, start, shards, now_ms)

    def _replaced(self, start: Offset) -> ReplacedStream | None:
        if start.initial is not None:
            return None
        return replaced_stream(self.stream, self.probe.created_ms(), start)

    def _plans(
        self,
        shards: Mapping[str, Shard],
        positions: Mapping[str, Position],
        admission: Admission,
        now_ms: int,
    ) -> dict[str, ShardPlan]:
        plans = {
            shard_id: ShardPlan(
                Position(State.SHARD_END, since_ms=now_ms),
                loss_of_shard(shard_id, position, now_ms),
            )
            for shard_id, position in positions.items()
            if shard_id not in shards and position.state is not State.SHARD_END
        }
        while ready := _ready(shards, positions, plans):
            plans |= self._plan_round(ready, positions, admission, now_ms)
        return plans

    def _positions(self, start: Offset, shards: Mapping[str, Shard]) -> dict[str, Position]:
        """The position of every shard, also of those that are new to the stream or the query."""
        if start.initial is not None:
            return {
                shard_id: Position(State.AFTER, self.resume_from[shard_id])
                if shard_id in self.resume_from
                else start.initial
                for shard_id in shards
            }
        # A shard that did not exist at the last plan got its first record after it.
        new = Position(State.TRIM_HORIZON, since_ms=start.as_of_ms)
        positions = dict.fromkeys(shards, new) | dict(start.shards)
        # The last plan may have seen an idle shard later than the offset records.
        return {
            shard_id: self._latest[shard_id]
            if position.is_at(self._latest.get(shard_id))
            else position
            for shard_id, position in positions.items()
        }

    def _plan_round(
        self,
        ready: list[Shard],
        positions: Mapping[str, Position],
        admission: Admission,
        now_ms: int,
    ) -> dict[str, ShardPlan]:
        """Plan shards that do not wait for each other: peek into all, then share out the batch."""
        names = [shard.shard_id for shard in ready]
        starts = [positions[name] for name in names]
        views = list(
            self.threads.map(partial(view_unread, self.probe, now_ms=now_ms), ready, starts)
        )
        busy = {name: view for name, view in zip(names, views, strict=True) if view.peek.records}
        bounds = admission.bounds(busy, now_ms)
        plans = self.threads.map(
            partial(plan_shard, self.probe, bounds=bounds), ready, starts, views
        )
        return dict(zip(names, plans, strict=True))

    def _offset(
        self,
        start: Offset,
        shards: Mapping[str, Shard],
        positions: Mapping[str, Position],
        plans: Mapping[str, ShardPlan],
        now_ms: int,
    ) -> Offset:
        reached = {
            name: plans[name].position if name in plans else position
            for name, position in positions.items()
        }
        self._latest = reached
        gaps = {name: plan.loss.gap() for name, plan in plans.items() if plan.loss is not None}
        has_moved = bool(gaps) or any(not reached[name].is_at(positions[name]) for name in reached)
        is_due = start.initial is not None or now_ms - start.as_of_ms >= _RENEWAL_MS
        if not has_moved and not is_due:
            return start
        return Offset(
            as_of_ms=now_ms,
            # A shard that was read to its end stays until it leaves the stream, because its
            # children depend on it.
            shards={
                name: position
                for name, position in reached.items()
                if name in shards or position.state is not State.SHARD_END
            },
            gaps={**start.gaps, **gaps},
            gap_count=start.gap_count + len(gaps),
        )


def _ready(
    shards: Mapping[str, Shard], positions: Mapping[str, Position], plans: Mapping[str, ShardPlan]
) -> list[Shard]:
    """The shards to plan next: an earlier batch, or none, has read their parents to the end."""

    def is_done(parent: str) -> bool:
        if parent in plans:
            return plans[parent].has_nothing_left
        return parent not in positions or positions[parent].state is State.SHARD_END

    return [
        shard
        for name, shard in shards.items()
        if name not in plans
        and positions[name].state is not State.SHARD_END
        and all(is_done(parent) for parent in shard.parents)
    ]
