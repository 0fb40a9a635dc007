"""A snapshot separates what `process` must have processed from what is pending."""

import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.audit.snapshot import processed_version
from jobs.errors import CheckpointError
from tests.support.small_lake import SmallLake, event

STARTING = '{"reservoirVersion":7,"isStartingVersion":true}'
TAILING = '{"reservoirVersion":7,"isStartingVersion":false}'


def test_records_that_process_has_not_read_are_pending_and_never_hide_a_lost_one(
    spark: SparkSession, lake: SmallLake
) -> None:
    """The progress of `process` is read from its own checkpoint."""
    now = int(time.time())
    checkpoint = f"{lake.settings.lake.checkpoints}/process"
    lake.put(event("a", now), event("a", now), event("late", now - 9 * 3600), b"not json")
    assert verify_tables(spark, lake.tables, checkpoint=checkpoint).pending == 4

    lake.process()
    settled = verify_tables(spark, lake.tables, checkpoint=checkpoint)
    outcomes = (settled.stored, settled.duplicates, settled.quarantined, settled.pending)
    assert outcomes == (2, 1, 1, 0)
    assert settled.is_clean

    lake.put(event("a", now), event("b", now))
    ahead = verify_tables(spark, lake.tables, checkpoint=checkpoint)
    assert (ahead.pending, ahead.is_clean) == (2, True)
    assert not verify_tables(spark, lake.tables).is_clean

    lake.events().where("event_uuid != 'late'").write.format("delta").mode("overwrite").save(
        lake.tables.events.path
    )
    robbed = verify_tables(spark, lake.tables, checkpoint=checkpoint)
    assert robbed.pending == 2
    [violation] = robbed.violations
    assert (violation.kind, [each.event_uuid for each in violation.samples]) == ("lost", ["late"])


@pytest.mark.parametrize(
    ("commits", "offset", "version"),
    [
        pytest.param([], "", -1, id="no batch was committed"),
        pytest.param([4], f"v1\n{{}}\n{TAILING}", 6, id="version 7 is read next"),
        pytest.param([4], f"v1\n{{}}\n{STARTING}", -1, id="the first snapshot is read in part"),
        pytest.param([4, 9], f"v1\n{{}}\n{TAILING}", 6, id="the newest batch decides"),
    ],
)
def test_the_version_before_the_next_one_is_processed(
    spark: SparkSession, tmp_path: Path, commits: list[int], offset: str, version: int
) -> None:
    """Only what the last committed batch has read in full counts."""
    write_checkpoint(tmp_path, commits, offset)
    assert processed_version(spark, str(tmp_path)) == version


@pytest.mark.parametrize("offset", ["", "v1\n{}", "v1\n{}\n-", "v1\n{}\n7", "v1\n{}\n{}"])
def test_a_damaged_offset_is_an_error_that_names_its_file(
    spark: SparkSession, tmp_path: Path, offset: str
) -> None:
    """The audit does not guess how much `process` must have processed."""
    write_checkpoint(tmp_path, [4], offset)
    with pytest.raises(CheckpointError, match=r"offsets/4 has no offset of a Delta source"):
        processed_version(spark, str(tmp_path))


def write_checkpoint(folder: Path, commits: list[int], offset: str) -> None:
    """Write the files of a checkpoint that `processed_version` reads."""
    for name in ("commits", "offsets"):
        (folder / name).mkdir()
    for batch in commits:
        (folder / "commits" / str(batch)).write_text("v1\n{}")
    if commits:
        (folder / "offsets" / str(max(commits))).write_text(offset)
