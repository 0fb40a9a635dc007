"""`process` with a checkpoint that was not the last one to write the lake."""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame

from jobs.audit import verify_tables
from jobs.audit.snapshot import processed_version
from jobs.config import Process
from jobs.errors import CheckpointError, FencedError
from jobs.lake import Table, WriterFence
from jobs.streaming import runner
from tests.support.small_lake import SmallLake, event

NOW = int(time.time())
# 1:50 before the clocks of New York are set back, and 1:10 after it, as hours and minutes in UTC
BEFORE_AND_AFTER = ((5, 50), (6, 10))


def with_checkpoints(lake: SmallLake, folder: Path, files: int = 1000) -> SmallLake:
    """The same lake with other checkpoints."""
    paths = replace(lake.settings.lake, checkpoints=str(folder))
    settings = replace(lake.settings, lake=paths, process=Process(max_files_per_batch=files))
    return SmallLake(lake.spark, settings)


def copy_of(lake: SmallLake, name: str) -> Path:
    checkpoints = Path(lake.settings.lake.checkpoints)
    return Path(shutil.copytree(checkpoints, checkpoints.with_name(name)))


def test_a_driver_that_resumes_after_another_one_has_started_writes_nothing(
    lake: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It pauses after it has checked its fence, before it writes. Meanwhile another driver, with
    its own checkpoint, processes more records."""
    lake.put(event("a", NOW), b"not json")
    lake.process()
    other = with_checkpoints(lake, tmp_path / "other")
    lake.put(event("b", NOW), event("c", NOW))
    append = WriterFence.append

    def pause(fence: WriterFence, rows: DataFrame, table: Table, batch: int) -> None:
        monkeypatch.setattr(WriterFence, "append", append)
        lake.put(event("d", NOW), event("c", NOW), b"not json either")
        with monkeypatch.context() as other_driver:
            other_driver.setattr(runner, "build_session", lambda _: lake.spark.newSession())
            other.process()
        append(fence, rows, table, batch)

    monkeypatch.setattr(WriterFence, "append", pause)
    with pytest.raises(FencedError, match="fenced by run 2"):
        lake.process()
    assert lake.stored() == ["a", "b", "c", "d"]
    lake.process()
    assert lake.stored() == ["a", "b", "c", "d"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_a_checkpoint_restored_from_a_copy_stores_nothing_twice(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """It divides the records into other batches than the ones that it has missed. The log reports
    a new generation."""
    lake.put(event("a", NOW))
    lake.process()
    copy = with_checkpoints(lake, copy_of(lake, "copy"), files=1)
    for uuid in "bcd":
        lake.put(event(uuid, NOW), uuid.encode())
    lake.process()
    lake.put(event("e", NOW), event("b", NOW))
    with caplog.at_level(logging.INFO):
        copy.process()
    [line] = [line for line in caplog.messages if "query=process run=" in line]
    assert "run=2 checkpoint=new_generation generation=" in line
    assert "covered_since=20" in line
    assert lake.stored() == ["a", "b", "c", "d", "e"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_a_checkpoint_that_another_one_has_overtaken_stores_nothing_twice(
    lake: SmallLake, tmp_path: Path
) -> None:
    """When it began, the lake was empty, and its state covered all time."""
    lake.tables.create(lake.spark)
    lake.process()
    lake.put(event("a", NOW), b"not json")
    with_checkpoints(lake, tmp_path / "other").process()
    lake.put(event("b", NOW), event("a", NOW))
    lake.process()
    assert lake.stored() == ["a", "b"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_a_checkpoint_of_tables_that_were_deleted_is_rejected(
    lake: SmallLake, tmp_path: Path
) -> None:
    """Its state remembers events that are not stored. Without it, all of raw is processed again."""
    lake.put(event("a", NOW), b"not json")
    lake.process()
    shutil.rmtree(tmp_path / "processed")
    with pytest.raises(CheckpointError, match="was made for another events"):
        lake.process()
    shutil.rmtree(tmp_path / "checkpoints")
    lake.process()
    assert lake.stored() == ["a"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_records_of_the_hour_that_happens_twice_are_found(
    lake: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time zone of the driver has no effect, not even when its clocks are set back."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        before, after = (datetime(2025, 11, 2, *each, tzinfo=UTC) for each in BEFORE_AND_AFTER)
        lake.put(event("a", 1762000000), ingested_at=before)
        lake.put(b"not json", ingested_at=after)
        lake.process()
        shutil.rmtree(tmp_path / "checkpoints")
        lake.process()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert lake.stored() == ["a"]
    assert lake.quarantine().count() == 1


def test_no_version_of_raw_is_processed_before_its_first_snapshot_is(
    lake: SmallLake, tmp_path: Path
) -> None:
    """Otherwise `audit` would report records as lost that `process` has not read yet."""
    lake.put(event("a", NOW))
    lake.put(event("b", NOW))
    with_checkpoints(lake, tmp_path / "checkpoints", files=1).process()
    checkpoint = tmp_path / "checkpoints/process"
    (checkpoint / "commits/1").unlink()
    assert processed_version(lake.spark, str(checkpoint)) == -1
