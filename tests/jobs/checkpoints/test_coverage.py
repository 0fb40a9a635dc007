"""What `process` may assume about its state after a start."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.coverage import StateCoverage, resume_coverage
from jobs.checkpoints.generation import EPOCH
from jobs.errors import CheckpointError
from jobs.lake import RunProgress
from tests.jobs.checkpoints.spark_files import commit_batch, plan_batch

MINUTE = timedelta(minutes=1)
NO_RUN = RunProgress()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "process"


def resume(
    spark: SparkSession,
    folder: Path,
    now: datetime,
    window: timedelta = 10 * MINUTE,
    last_clock: datetime | None = NOON - MINUTE,
    previous: RunProgress = NO_RUN,
) -> StateCoverage:
    return resume_coverage(Checkpoint(spark, str(folder)), window, now, last_clock, previous)


def test_a_new_checkpoint_covers_the_time_from_now_on(spark: SparkSession, folder: Path) -> None:
    """Its state does not contain what was stored before. A restart continues the generation."""
    first = resume(spark, folder, NOON)
    assert first.generation.covered_since == NOON
    assert first.clock_floor == NOON
    assert first.is_new
    plan_batch(folder, 0, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = resume(spark, folder, NOON + MINUTE)
    assert again.generation == first.generation


def test_a_new_checkpoint_of_an_empty_lake_covers_all_time(
    spark: SparkSession, folder: Path
) -> None:
    """If nothing was stored, no event can have a duplicate that the state does not contain."""
    coverage = resume(spark, folder, NOON, last_clock=None)
    assert coverage.generation.covered_since == EPOCH
    assert coverage.clock_floor == NOON
    plan_batch(folder, 0, clock=NOON, watermark=NOON - 10 * MINUTE)
    assert resume(spark, folder, NOON + MINUTE).generation == coverage.generation


def test_a_lost_checkpoint_begins_a_new_generation(spark: SparkSession, folder: Path) -> None:
    """Its identifier differs from the lost one."""
    lost = resume(spark, folder, NOON)
    (folder / "generation.json").unlink()
    assert resume(spark, folder, NOON).generation.identifier != lost.generation.identifier


def test_a_slow_clock_covers_the_time_from_the_newest_clock_in_the_tables(
    spark: SparkSession, folder: Path
) -> None:
    """Rows that the previous machine stored are in the future of this one, and not in its state."""
    coverage = resume(spark, folder, NOON, last_clock=NOON + 30 * MINUTE)
    assert coverage.generation.covered_since == NOON + 30 * MINUTE
    assert coverage.clock_floor == NOON + 30 * MINUTE


def test_the_clock_continues_from_the_last_batch(spark: SparkSession, folder: Path) -> None:
    """No batch may use an earlier clock than the batches before it."""
    resume(spark, folder, NOON)
    plan_batch(folder, 9, clock=NOON + 50 * MINUTE, watermark=NOON + 39 * MINUTE)
    assert resume(spark, folder, NOON).clock_floor == NOON + 50 * MINUTE
    plan_batch(folder, 10, clock=NOON + 20 * MINUTE, watermark=NOON + 45 * MINUTE)
    assert resume(spark, folder, NOON).clock_floor == NOON + 55 * MINUTE


def test_a_longer_window_begins_its_coverage_again(spark: SparkSession, folder: Path) -> None:
    """The state has forgotten identities that the longer window needs."""
    first = resume(spark, folder, NOON)
    plan_batch(folder, 0, clock=NOON + MINUTE, watermark=NOON - 10 * MINUTE)
    longer = resume(spark, folder, NOON + 5 * MINUTE, window=60 * MINUTE)
    assert longer.generation.identifier == first.generation.identifier
    assert longer.generation.covered_since == NOON + 5 * MINUTE
    assert longer.clock_floor == NOON + 5 * MINUTE


def test_a_window_that_was_shorter_for_a_while_begins_its_coverage_again(
    spark: SparkSession, folder: Path
) -> None:
    """While the window was short, the state forgot identities early."""
    resume(spark, folder, NOON, window=60 * MINUTE)
    plan_batch(folder, 0, clock=NOON, watermark=NOON - 60 * MINUTE)
    shorter = resume(spark, folder, NOON + MINUTE, window=10 * MINUTE)
    assert shorter.generation.covered_since == NOON
    back = resume(spark, folder, NOON + 2 * MINUTE, window=60 * MINUTE)
    assert back.generation.covered_since == NOON + 2 * MINUTE


def test_a_generation_without_batches_begins_again(spark: SparkSession, folder: Path) -> None:
    """It has stored nothing, and another run may have stored events since then."""
    first = resume(spark, folder, NOON, last_clock=None)
    again = resume(spark, folder, NOON + MINUTE)
    assert again.generation.identifier != first.generation.identifier
    assert again.generation.covered_since == NOON + MINUTE


def test_a_checkpoint_without_offsets_but_with_state_is_rejected(
    spark: SparkSession, folder: Path
) -> None:
    """It is not new, it is damaged."""
    (folder / "state/0").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=r"offsets is empty, but .*state is not"):
        resume(spark, folder, NOON)


def test_a_checkpoint_whose_run_was_the_last_to_write_resumes(
    spark: SparkSession, folder: Path
) -> None:
    """A batch that was planned but not committed is in doubt if that run has written it."""
    first = resume(spark, folder, NOON)
    Checkpoint(spark, str(folder)).record_run(3, in_doubt=None)
    plan_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = resume(spark, folder, NOON + MINUTE, previous=RunProgress(run=3, batch=7))
    assert (again.generation, again.in_doubt) == (first.generation, 7)
    assert resume(spark, folder, NOON, previous=RunProgress(run=3, batch=6)).in_doubt is None
    commit_batch(folder, 7)
    assert resume(spark, folder, NOON, previous=RunProgress(run=3, batch=7)).in_doubt is None


@pytest.mark.parametrize(
    ("record", "in_doubt"),
    [('{"in_doubt": 7}', 7), ('{"in_doubt": 6}', None), ('{"in_doubt": null}', None), ("", 7)],
)
def test_a_run_that_has_written_nothing_passes_on_the_batch_in_doubt(
    spark: SparkSession, folder: Path, record: str, in_doubt: int | None
) -> None:
    """The tables report the last run only, which recorded the batch that it had found in doubt."""
    resume(spark, folder, NOON)
    plan_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    (folder / "runs").mkdir()
    (folder / "runs/4").write_text(record)
    assert resume(spark, folder, NOON, previous=RunProgress(run=4)).in_doubt == in_doubt


@pytest.mark.parametrize("previous", [RunProgress(run=3, batch=8), RunProgress(run=4)])
def test_a_checkpoint_that_was_overtaken_begins_a_new_generation(
    spark: SparkSession, folder: Path, previous: RunProgress
) -> None:
    """The tables contain rows that its state does not: of a later batch, or of a later run."""
    first = resume(spark, folder, NOON)
    Checkpoint(spark, str(folder)).record_run(2, in_doubt=None)
    Checkpoint(spark, str(folder)).record_run(3, in_doubt=None)
    plan_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = resume(spark, folder, NOON + MINUTE, previous=previous)
    assert again.generation.identifier != first.generation.identifier
    assert again.generation.covered_since == NOON + MINUTE
    assert again.in_doubt == 7


def test_a_checkpoint_that_is_newer_than_the_tables_is_rejected(
    spark: SparkSession, folder: Path
) -> None:
    """The tables were deleted or restored, and lack events that the state remembers."""
    resume(spark, folder, NOON)
    Checkpoint(spark, str(folder)).record_run(3, in_doubt=None)
    with pytest.raises(CheckpointError, match=r"newer than the tables \(run 3 is missing\)"):
        resume(spark, folder, NOON, previous=RunProgress(run=2, batch=9))
