"""What the state of `process` covers at a start, and which batch is in doubt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.generation import EPOCH, Generation
from jobs.errors import CheckpointError
from jobs.lake import RunProgress


@dataclass(frozen=True)
class StateCoverage:
    """What a run of `process` may assume about its state.

    clock_floor: no batch may use an earlier clock. After a fail-over to a machine whose clock is
                 behind by more than the window, Spark would drop every row as late.
    in_doubt:    the batch that an earlier run planned, and may have written in part
    is_new:      the generation begins with this run
    """

    generation: Generation
    clock_floor: datetime
    in_doubt: int | None = None
    is_new: bool = False


def resume_coverage(
    checkpoint: Checkpoint,
    window: timedelta,
    now: datetime,
    last_clock: datetime | None,
    previous: RunProgress,
) -> StateCoverage:
    """Continue the generation of the checkpoint, or begin a new one.

    A new generation begins if the checkpoint is new, or if the tables contain more than this
    checkpoint has brought them: it was restored from a copy, or another one has worked on the lake.

    Args:
        window: the present `once.window`.
        now: the clock of this machine.
        last_clock: the newest clock in the tables; None if they are empty. If this machine's clock
            is behind it, the state must not be taken for older than it is.
        previous: the progress of the last run that wrote to the tables.

    Raises:
        CheckpointError: the checkpoint is damaged, or the tables are older than it.
        LakeError: the folder cannot be written.
    """
    recorded = RunProgress(checkpoint.last_run(), checkpoint.last_planned_batch())
    if previous.run < recorded.run:
        raise CheckpointError(
            f"checkpoint {checkpoint.path} is newer than the tables (run {recorded.run} is "
            "missing): the tables were deleted or restored from a copy. Move the checkpoint away "
            "and start again; stored events are not duplicated"
        )
    since = max(now, last_clock or now)
    if checkpoint.is_new():
        # A generation without batches has stored nothing, so it may as well begin now.
        checkpoint.require_empty()
        covered_since = EPOCH if last_clock is None else since
        return _begin(checkpoint, covered_since, window, clock_floor=since)
    generation = checkpoint.generation()
    clock_floor = checkpoint.last_clock(generation)
    if recorded < previous:
        since = max(since, clock_floor)
        return _begin(checkpoint, since, window, clock_floor=since)
    if window > generation.window:
        # A longer window promises more than the state remembers, so the coverage begins again.
        since = max(since, clock_floor)
        longer = replace(generation, covered_since=since, window=window)
        return _continue(checkpoint, longer, clock_floor=since)
    if window < generation.window:
        return _continue(checkpoint, replace(generation, window=window), clock_floor)
    return StateCoverage(generation, clock_floor, _batch_in_doubt(checkpoint, previous))


def _begin(
    checkpoint: Checkpoint, covered_since: datetime, window: timedelta, clock_floor: datetime
) -> StateCoverage:
    generation = Generation(uuid4().hex, covered_since, window)
    return replace(_continue(checkpoint, generation, clock_floor), is_new=True)


def _continue(
    checkpoint: Checkpoint, generation: Generation, clock_floor: datetime
) -> StateCoverage:
    """Record a generation that differs from the recorded one."""
    checkpoint.write_generation(generation)
    return StateCoverage(generation, clock_floor, checkpoint.uncommitted_batch())


def _batch_in_doubt(checkpoint: Checkpoint, previous: RunProgress) -> int | None:
    """The batch that was planned but not committed, if a part of it may be in the tables.

    If the last run wrote the batch, it is in doubt. If that run never wrote it, it is in doubt only
    if the run had found it in doubt already.
    """
    uncommitted = checkpoint.uncommitted_batch()
    if uncommitted is None or previous.batch >= uncommitted:
        return uncommitted
    try:
        found = checkpoint.batch_in_doubt_of(previous.run)
    except KeyError:
        return uncommitted
    return uncommitted if found == uncommitted else None
