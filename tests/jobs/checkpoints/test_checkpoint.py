"""What is read from the folder of a checkpoint, and what is written into it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.generation import Generation
from jobs.errors import CheckpointError, ClockError
from tests.jobs.checkpoints.spark_files import commit_batch, plan_batch

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GENERATION = Generation("0f", NOON, 10 * MINUTE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "process"


@pytest.fixture
def checkpoint(spark: SparkSession, folder: Path) -> Checkpoint:
    return Checkpoint(spark, str(folder))


def test_a_folder_that_does_not_exist_is_a_new_checkpoint(checkpoint: Checkpoint) -> None:
    """It has no batch and no run."""
    assert checkpoint.is_new()
    assert checkpoint.last_planned_batch() == -1
    assert checkpoint.last_committed_batch() == -1
    assert checkpoint.last_run() == -1
    assert checkpoint.uncommitted_batch() is None
    checkpoint.require_empty()


def test_the_last_batch_is_uncommitted_until_spark_commits_it(
    checkpoint: Checkpoint, folder: Path
) -> None:
    """Batches are compared as numbers, and other files in the folders are ignored."""
    for batch in (9, 10):
        plan_batch(folder, batch, NOON, NOON)
    (folder / "offsets/.10.crc").touch()
    commit_batch(folder, 9)
    assert not checkpoint.is_new()
    assert (checkpoint.last_planned_batch(), checkpoint.last_committed_batch()) == (10, 9)
    assert checkpoint.uncommitted_batch() == 10
    commit_batch(folder, 10)
    assert checkpoint.uncommitted_batch() is None


def test_only_the_last_run_is_recorded(checkpoint: Checkpoint, folder: Path) -> None:
    """With the batch that it found in doubt, or with none."""
    checkpoint.record_run(3, in_doubt=7)
    assert (checkpoint.last_run(), checkpoint.batch_in_doubt_of(3)) == (3, 7)
    checkpoint.record_run(4, in_doubt=None)
    assert (checkpoint.last_run(), checkpoint.batch_in_doubt_of(4)) == (4, None)
    assert {path.name for path in (folder / "runs").iterdir()} == {"4", ".4.crc"}


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"in_doubt": "many"}'])
def test_a_run_without_a_readable_record_is_a_key_error(
    checkpoint: Checkpoint, folder: Path, text: str | None
) -> None:
    """The caller must then assume that its batch is in doubt."""
    (folder / "runs").mkdir(parents=True)
    if text is not None:
        (folder / "runs/4").write_text(text)
    with pytest.raises(KeyError):
        checkpoint.batch_in_doubt_of(4)


def test_batches_without_a_generation_are_rejected(checkpoint: Checkpoint, folder: Path) -> None:
    """To guess since when the state remembers every event could store an event twice."""
    plan_batch(folder, 3, clock=NOON, watermark=NOON)
    with pytest.raises(CheckpointError, match=r"has batches but no generation\.json"):
        checkpoint.generation()


@pytest.mark.parametrize(
    "text", ['{"identifier": ', "[]", '{"covered_since": "2026-01-01T00:00:00"}']
)
def test_an_unreadable_generation_is_rejected(
    checkpoint: Checkpoint, folder: Path, text: str
) -> None:
    """The error names the file and the solution."""
    folder.mkdir()
    (folder / "generation.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"generation\.json cannot be read.*Move the folder"):
        checkpoint.generation()


def test_a_generation_of_another_query_is_rejected(checkpoint: Checkpoint, folder: Path) -> None:
    """It may claim that the state remembers events that it does not remember."""
    folder.mkdir()
    (folder / "metadata").write_text('{"id":"one"}')
    checkpoint.bind(GENERATION, "one")
    assert checkpoint.generation() == replace(GENERATION, query="one")
    checkpoint.bind(GENERATION, "two")
    message = "belongs to the query two, but the state beside it belongs to one"
    with pytest.raises(CheckpointError, match=message):
        checkpoint.generation()


def test_a_generation_that_is_bound_already_is_not_written_again(
    checkpoint: Checkpoint, folder: Path
) -> None:
    """A start of the same query changes nothing."""
    checkpoint.bind(replace(GENERATION, query="one"), "one")
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "v1\n", 'v1\n{"batchWatermarkMs":', "v1\n[]"])
def test_a_damaged_offset_log_is_rejected(checkpoint: Checkpoint, folder: Path, text: str) -> None:
    """The error names the file and the solution."""
    (folder / "offsets").mkdir(parents=True)
    (folder / "offsets/0").write_text(text)
    with pytest.raises(CheckpointError, match=r"offsets/0 cannot be read.*Move the folder"):
        checkpoint.batch_times(0)


@pytest.mark.parametrize("name", ["commits", "state"])
def test_commits_or_state_without_offsets_are_rejected(
    checkpoint: Checkpoint, folder: Path, name: str
) -> None:
    """The offsets were deleted, and Spark would start with batch 0 again."""
    (folder / name / "0").mkdir(parents=True)
    with pytest.raises(CheckpointError, match=rf"offsets is empty, but .*{name} is not\. Move"):
        checkpoint.require_empty()


def test_the_last_clock_is_the_newest_that_any_batch_has_used(
    checkpoint: Checkpoint, folder: Path
) -> None:
    """It is the time of the last batch, or the watermark plus the window, or `covered_since`."""
    plan_batch(folder, 0, clock=NOON - 20 * MINUTE, watermark=NOON - 30 * MINUTE)
    assert checkpoint.last_clock(GENERATION) == NOON
    plan_batch(folder, 9, clock=NOON + 50 * MINUTE, watermark=NOON + 39 * MINUTE)
    assert checkpoint.last_clock(GENERATION) == NOON + 50 * MINUTE
    plan_batch(folder, 10, clock=NOON + 20 * MINUTE, watermark=NOON + 45 * MINUTE)
    assert checkpoint.last_clock(GENERATION) == NOON + 55 * MINUTE


def test_a_clock_before_the_watermark_is_rejected(checkpoint: Checkpoint, folder: Path) -> None:
    """Spark has dropped the rows of the batch. With the clock floor of the next start they pass."""
    plan_batch(folder, 4, clock=NOON - 20 * MINUTE, watermark=NOON - 10 * MINUTE)
    checkpoint.require_clock(4, clock_floor=NOON)
    with pytest.raises(ClockError, match="clock went back to 2026-01-01T11:40:00"):
        checkpoint.require_clock(4, clock_floor=NOON - 30 * MINUTE)
    with pytest.raises(ClockError):
        checkpoint.require_clock(4, clock_floor=NOON - 10 * MINUTE)
