"""What `process` may trust of its state after a start."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint, Cover
from jobs.checkpoints.generation import SINCE_EVER
from jobs.errors import LakeError
from jobs.lake.fencing import Progress

MINUTE = timedelta(minutes=1)
NOTHING = Progress()
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def note_batch(checkpoint: Path, number: int, clock: datetime, watermark: datetime) -> None:
    """Write what Spark notes of a batch when it has planned it."""
    offsets = checkpoint / "offsets"
    offsets.mkdir(parents=True, exist_ok=True)
    metadata = {
        "batchWatermarkMs": milliseconds(watermark),
        "batchTimestampMs": milliseconds(clock),
    }
    (offsets / str(number)).write_text(f"v1\n{json.dumps(metadata)}\n{{}}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "process"


def take_up(
    spark: SparkSession,
    folder: Path,
    now: datetime,
    window: timedelta = 10 * MINUTE,
    last_clock: datetime | None = NOON - MINUTE,
    before: Progress = NOTHING,
) -> Cover:
    return Checkpoint(spark, str(folder)).take_up(window, now, last_clock, before)


def test_a_new_checkpoint_covers_from_now_on(spark: SparkSession, folder: Path) -> None:
    """What was stored before is not known; a restart finds the same generation again."""
    first = take_up(spark, folder, NOON)
    assert first.generation.covered_since == NOON
    assert first.clock_floor == NOON
    note_batch(folder, 0, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = take_up(spark, folder, NOON + MINUTE)
    assert again.generation == first.generation


def test_on_an_empty_lake_a_new_checkpoint_covers_all_time(
    spark: SparkSession, folder: Path
) -> None:
    """Where nothing was stored, no event can have a twin that the state does not know."""
    cover = take_up(spark, folder, NOON, last_clock=None)
    assert cover.generation.covered_since == SINCE_EVER
    assert cover.clock_floor == NOON
    note_batch(folder, 0, clock=NOON, watermark=NOON - 10 * MINUTE)
    assert take_up(spark, folder, NOON + MINUTE).generation == cover.generation


def test_a_lost_checkpoint_begins_another_generation(spark: SparkSession, folder: Path) -> None:
    """Batches are numbered from 0 again; under the old identifier Delta would skip them."""
    lost = take_up(spark, folder, NOON)
    (folder / "generation.json").unlink()
    assert take_up(spark, folder, NOON).generation.identifier != lost.generation.identifier


def test_a_lagging_machine_covers_from_the_tables_newest_clock(
    spark: SparkSession, folder: Path
) -> None:
    """Rows that the machine before accepted 'in the future' of this one are not covered."""
    cover = take_up(spark, folder, NOON, last_clock=NOON + 30 * MINUTE)
    assert cover.generation.covered_since == NOON + 30 * MINUTE
    assert cover.clock_floor == NOON + 30 * MINUTE


def test_the_clock_goes_on_from_the_last_batch(spark: SparkSession, folder: Path) -> None:
    """The floor is the newest of the last batch's own time and of the clocks before it."""
    take_up(spark, folder, NOON)
    note_batch(folder, 9, clock=NOON + 50 * MINUTE, watermark=NOON + 39 * MINUTE)
    assert take_up(spark, folder, NOON).clock_floor == NOON + 50 * MINUTE
    note_batch(folder, 10, clock=NOON + 20 * MINUTE, watermark=NOON + 45 * MINUTE)
    assert take_up(spark, folder, NOON).clock_floor == NOON + 55 * MINUTE


def test_a_longer_window_begins_its_cover_anew(spark: SparkSession, folder: Path) -> None:
    """The state has forgotten what a longer window would still want to know."""
    first = take_up(spark, folder, NOON)
    note_batch(folder, 0, clock=NOON + MINUTE, watermark=NOON - 10 * MINUTE)
    longer = take_up(spark, folder, NOON + 5 * MINUTE, window=60 * MINUTE)
    assert longer.generation.identifier == first.generation.identifier
    assert longer.generation.covered_since == NOON + 5 * MINUTE
    assert longer.clock_floor == NOON + 5 * MINUTE


def test_a_shorter_window_and_back_begins_its_cover_anew(spark: SparkSession, folder: Path) -> None:
    """While the window was short, the state forgot early."""
    take_up(spark, folder, NOON, window=60 * MINUTE)
    note_batch(folder, 0, clock=NOON, watermark=NOON - 60 * MINUTE)
    shorter = take_up(spark, folder, NOON + MINUTE, window=10 * MINUTE)
    assert shorter.generation.covered_since == NOON
    back = take_up(spark, folder, NOON + 2 * MINUTE, window=60 * MINUTE)
    assert back.generation.covered_since == NOON + 2 * MINUTE


def test_batches_without_a_generation_are_refused(spark: SparkSession, folder: Path) -> None:
    """Guessing since when the state covers all events could store an event twice."""
    note_batch(folder, 3, clock=NOON, watermark=NOON)
    with pytest.raises(LakeError, match=r"has batches but no generation\.json"):
        take_up(spark, folder, NOON)


def test_an_unreadable_generation_is_refused(spark: SparkSession, folder: Path) -> None:
    """The error names the file."""
    note_batch(folder, 3, clock=NOON, watermark=NOON)
    for text in ('{"identifier": ', "[]", '{"covered_since": "2026-01-01T00:00:00"}'):
        (folder / "generation.json").write_text(text)
        with pytest.raises(LakeError, match=r"generation\.json cannot be read.*move the folder"):
            take_up(spark, folder, NOON)


def test_a_generation_of_another_query_is_refused(spark: SparkSession, folder: Path) -> None:
    """It may say that the state remembers what it does not."""
    first = take_up(spark, folder, NOON)
    (folder / "metadata").write_text('{"id":"one"}')
    note_batch(folder, 0, clock=NOON, watermark=NOON - 10 * MINUTE)
    Checkpoint(spark, str(folder)).bind(first.generation, "one")
    bound = replace(first.generation, query="one")
    assert take_up(spark, folder, NOON).generation == bound
    Checkpoint(spark, str(folder)).bind(first.generation, "two")
    with pytest.raises(LakeError, match="is of the query two, but the state beside it is of one"):
        take_up(spark, folder, NOON)


def test_a_generation_that_planned_no_batch_begins_again(spark: SparkSession, folder: Path) -> None:
    """It has stored nothing, and somebody else may have, since."""
    first = take_up(spark, folder, NOON, last_clock=None)
    again = take_up(spark, folder, NOON + MINUTE)
    assert again.generation.identifier != first.generation.identifier
    assert again.generation.covered_since == NOON + MINUTE


def test_damaged_notes_of_spark_are_refused(spark: SparkSession, folder: Path) -> None:
    """A torn offset, and a state whose offsets are gone."""
    take_up(spark, folder, NOON)
    (folder / "offsets").mkdir()
    for text in ("", "v1\n", 'v1\n{"batchWatermarkMs":'):
        (folder / "offsets" / "0").write_text(text)
        with pytest.raises(LakeError, match=r"offsets/0 cannot be read.*move the folder"):
            take_up(spark, folder, NOON)
    (folder / "offsets" / "0").unlink()
    (folder / "state" / "0").mkdir(parents=True)
    with pytest.raises(LakeError, match=r"offsets is empty, but .*state is not: move the folder"):
        take_up(spark, folder, NOON)


def test_a_checkpoint_goes_on_while_it_was_the_last_to_write(
    spark: SparkSession, folder: Path
) -> None:
    """What was planned and not noted as done is in doubt if a run has written for it."""
    first = take_up(spark, folder, NOON)
    Checkpoint(spark, str(folder)).note_run(3, in_doubt=None)
    note_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = take_up(spark, folder, NOON + MINUTE, before=Progress(run=3, batch=7))
    assert (again.generation, again.in_doubt) == (first.generation, 7)
    assert take_up(spark, folder, NOON, before=Progress(run=3, batch=6)).in_doubt is None
    (folder / "commits").mkdir()
    (folder / "commits/7").touch()
    assert take_up(spark, folder, NOON, before=Progress(run=3, batch=7)).in_doubt is None


@pytest.mark.parametrize(
    ("left", "in_doubt"),
    [('{"in_doubt": 7}', 7), ('{"in_doubt": 6}', None), ('{"in_doubt": null}', None), ("", 7)],
)
def test_a_run_that_has_written_nothing_leaves_the_next_what_was_in_doubt(
    spark: SparkSession, folder: Path, left: str, in_doubt: int | None
) -> None:
    """The tables tell of the last run alone, which noted what the one before it had left."""
    take_up(spark, folder, NOON)
    note_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    (folder / "runs").mkdir()
    (folder / "runs/4").write_text(left)
    assert take_up(spark, folder, NOON, before=Progress(run=4)).in_doubt == in_doubt


@pytest.mark.parametrize("before", [Progress(run=3, batch=8), Progress(run=4)])
def test_a_checkpoint_that_was_overtaken_begins_another_generation(
    spark: SparkSession, folder: Path, before: Progress
) -> None:
    """The tables have what its state does not know: from a later batch, or a later run."""
    first = take_up(spark, folder, NOON)
    Checkpoint(spark, str(folder)).note_run(2, in_doubt=None)
    Checkpoint(spark, str(folder)).note_run(3, in_doubt=None)
    note_batch(folder, 7, clock=NOON, watermark=NOON - 10 * MINUTE)
    again = take_up(spark, folder, NOON + MINUTE, before=before)
    assert again.generation.identifier != first.generation.identifier
    assert again.generation.covered_since == NOON + MINUTE
    assert again.in_doubt == 7


def test_a_checkpoint_that_the_tables_do_not_know_is_refused(
    spark: SparkSession, folder: Path
) -> None:
    """They were deleted or restored, and the state takes for stored what they lack."""
    take_up(spark, folder, NOON)
    Checkpoint(spark, str(folder)).note_run(3, in_doubt=None)
    with pytest.raises(LakeError, match="knows of run 3, of which the tables know nothing"):
        take_up(spark, folder, NOON, before=Progress(run=2, batch=9))


def test_a_clock_behind_the_watermark_is_refused(spark: SparkSession, folder: Path) -> None:
    """Spark has dropped the batch's rows; on the floor of the next start they pass."""
    note_batch(folder, 4, clock=NOON - 20 * MINUTE, watermark=NOON - 10 * MINUTE)
    checkpoint = Checkpoint(spark, str(folder))
    checkpoint.require_clock(4, clock_floor=NOON)
    with pytest.raises(LakeError, match="time has gone back to 2026-01-01T11:40:00"):
        checkpoint.require_clock(4, clock_floor=NOON - 30 * MINUTE)
