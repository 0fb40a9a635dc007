"""Plan a batch: from the offset so far to the next one. Pure but for the looks of a probe.

- A shard's end is the sequence number of a record that exists, or the end of a closed shard.
- A shard is read once all its parents are drained by an earlier batch, so that the records of a
  partition key keep their order. A parent that has nothing left to read is no batch to wait for.
- Where no shard moves, the offset stays the same, byte for byte: Spark runs no batch.
- A position whose record left the stream is a loss, unless nothing can have stood behind it.
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
from jobs.sources.kinesis.shard_planner import Step, View, step, view

# Looks of a plan over all shards, and the least of one shard: what they miss, the next plan finds.
_LOOKS = 3_000
_LEAST_LOOKS = 6
# An idle stream's offset is renewed this often, by an empty batch. It tells a restarted query
# that the stream was idle then, which proves that nothing was lost, but only for the retention
# time, which is a day at least.
_RENEWAL_MS = 6 * 3_600_000


@dataclass(frozen=True)
class Admission:
    """What a batch may hold. `records` counts over all shards; None is no limit."""

    tip_lag_ms: int = 1_000
    span_ms: int | None = None
    records: int | None = None
    until_ms: int | None = None

    def bounds(self, views: Mapping[str, View], now_ms: int) -> Bounds:
        """The share of each shard: what shards with little leave goes to those with more."""
        records = self.records
        if records is not None:
            little = [len(seen.unread.marks) for seen in views.values() if seen.unread.at_tip]
            records = max(1, (records - sum(little)) // max(1, len(views) - len(little)))
        looks = max(_LEAST_LOOKS, _LOOKS // max(1, len(views)))
        return Bounds(now_ms, self.tip_lag_ms, self.until_ms, self.span_ms, records, looks)


@dataclass
class Planner:
    """Plans the batches of one query. Runs on the driver; looks into shards in parallel."""

    probe: Probe
    threads: Executor
    resume_from: Mapping[str, str] = field(default_factory=dict)
    fail_on_data_loss: bool = True
    _latest: Mapping[str, Position] = field(default_factory=dict)

    def plan(
        self, start: Offset, shards: Mapping[str, Shard], admission: Admission, now_ms: int
    ) -> Offset:
        """The offset after the next batch; `start` itself if there is nothing to read.

        Raises DataLossError if records were lost, or may have been, unless told otherwise.
        """
        positions = self._positions(start, shards)
        steps = {
            shard_id: self._checked(
                Step(
                    Position(State.DRAINED, since_ms=now_ms),
                    loss_of_shard(shard_id, position, now_ms),
                )
            )
            for shard_id, position in positions.items()
            if shard_id not in shards and position.state is not State.DRAINED
        }
        while ready := _ready(shards, positions, steps):
            steps |= self._round(ready, positions, admission, now_ms)
        return self._offset(start, shards, positions, steps, now_ms)

    def _positions(self, start: Offset, shards: Mapping[str, Shard]) -> dict[str, Position]:
        """Where every shard stands: also those that are new to the stream, or to the query."""
        if start.initial is not None:
            return {
                shard_id: Position(State.AFTER, self.resume_from[shard_id])
                if shard_id in self.resume_from
                else start.initial
                for shard_id in shards
            }
        # A shard that the last plan did not see yet got its first record later.
        new = Position(State.TRIM_HORIZON, since_ms=start.as_of_ms)
        positions = dict.fromkeys(shards, new) | dict(start.shards)
        # The last plan looked at idle shards later than the offset says.
        return {
            shard_id: self._latest[shard_id]
            if position.is_at(self._latest.get(shard_id))
            else position
            for shard_id, position in positions.items()
        }

    def _round(
        self,
        ready: list[Shard],
        positions: Mapping[str, Position],
        admission: Admission,
        now_ms: int,
    ) -> dict[str, Step]:
        """Plan shards that do not wait for each other: look at all, then share out the batch."""
        at = [positions[shard.shard_id] for shard in ready]
        seen = list(self.threads.map(partial(view, self.probe, now_ms=now_ms), ready, at))
        names = [shard.shard_id for shard in ready]
        busy = {name: one for name, one in zip(names, seen, strict=True) if one.unread.marks}
        bounds = admission.bounds(busy, now_ms)
        steps = self.threads.map(partial(step, self.probe, bounds=bounds), ready, at, seen)
        return {name: self._checked(one) for name, one in zip(names, steps, strict=True)}

    def _checked(self, taken: Step) -> Step:
        if taken.loss is not None and self.fail_on_data_loss:
            raise DataLossError(str(taken.loss))
        return taken

    def _offset(
        self,
        start: Offset,
        shards: Mapping[str, Shard],
        positions: Mapping[str, Position],
        steps: Mapping[str, Step],
        now_ms: int,
    ) -> Offset:
        found = {
            name: steps[name].position if name in steps else at for name, at in positions.items()
        }
        self._latest = found
        losses = {name: one.loss.gap() for name, one in steps.items() if one.loss is not None}
        has_moved = bool(losses) or any(not found[name].is_at(positions[name]) for name in found)
        is_due = start.initial is not None or now_ms - start.as_of_ms >= _RENEWAL_MS
        if not has_moved and not is_due:
            return start
        return Offset(
            as_of_ms=now_ms,
            # A drained shard stays until the stream forgets it: its children ask for it.
            shards={
                name: position
                for name, position in found.items()
                if name in shards or position.state is not State.DRAINED
            },
            gaps={**start.gaps, **losses},
            gap_count=start.gap_count + len(losses),
        )


def _ready(
    shards: Mapping[str, Shard], positions: Mapping[str, Position], steps: Mapping[str, Step]
) -> list[Shard]:
    """The shards to plan next: their parents are drained, by an earlier batch or by none."""

    def is_done(parent: str) -> bool:
        if parent in steps:
            return steps[parent].has_nothing_left
        return parent not in positions or positions[parent].state is State.DRAINED

    return [
        shard
        for name, shard in shards.items()
        if name not in steps
        and positions[name].state is not State.DRAINED
        and all(is_done(parent) for parent in shard.parents)
    ]
