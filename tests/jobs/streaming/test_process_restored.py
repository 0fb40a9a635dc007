"""`process` with a checkpoint that is not the one that worked on the lake last."""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame

from jobs.audit.snapshot import taken_version
from jobs.audit.verify import prove
from jobs.config.settings import Process
from jobs.errors import EventLakeError, LakeError
from jobs.lake.fencing import Claim
from jobs.lake.tables import Table
from jobs.runtime import session
from tests.support.small_lake import SmallLake, event

NOW = int(time.time())
# 1:50 before the clocks of New York are put back, 1:10 behind it
FOLD = ((5, 50), (6, 10))


def with_checkpoints(lake: SmallLake, folder: Path, files: int = 1000) -> SmallLake:
    """The same lake, worked on from other checkpoints."""
    place = replace(lake.settings.lake, checkpoints=str(folder))
    given = replace(lake.settings, lake=place, process=Process(max_files_per_batch=files))
    return SmallLake(lake.spark, given)


def copy_of(lake: SmallLake, name: str) -> Path:
    checkpoints = Path(lake.settings.lake.checkpoints)
    return Path(shutil.copytree(checkpoints, checkpoints.with_name(name)))


@pytest.mark.slow
def test_a_driver_that_wakes_up_behind_another_one_writes_nothing(
    lake: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has seen that the lake is its own, and sleeps before it writes. Meanwhile another one,
    with a checkpoint of its own, takes more records."""
    lake.put(event("a", NOW), b"not json")
    lake.process()
    other = with_checkpoints(lake, tmp_path / "other")
    lake.put(event("b", NOW), event("c", NOW))
    append = Claim.append

    def sleep(claim: Claim, rows: DataFrame, table: Table, batch: int) -> None:
        monkeypatch.setattr(Claim, "append", append)
        lake.put(event("d", NOW), event("c", NOW), b"not json either")
        with monkeypatch.context() as other_driver:
            other_driver.setattr(session, "build", lambda _: lake.spark.newSession())
            other.process()
        append(claim, rows, table, batch)

    monkeypatch.setattr(Claim, "append", sleep)
    with pytest.raises(LakeError, match="another run has taken over"):
        lake.process()
    assert lake.stored() == ["a", "b", "c", "d"]
    lake.process()
    assert lake.stored() == ["a", "b", "c", "d"]
    assert prove(lake.spark, lake.tables).is_clean


@pytest.mark.slow
def test_a_checkpoint_restored_from_a_copy_stores_nothing_twice(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """It cuts batches otherwise than the ones that it knows nothing of. The log says that the
    tables are asked."""
    lake.put(event("a", NOW))
    lake.process()
    copy = with_checkpoints(lake, copy_of(lake, "copy"), files=1)
    for uuid in "bcd":
        lake.put(event(uuid, NOW), uuid.encode())
    lake.process()
    lake.put(event("e", NOW), event("b", NOW))
    with caplog.at_level(logging.INFO, logger="event-lake"):
        copy.process()
    [line] = [line for line in caplog.messages if "query=process generation=" in line]
    assert "raw is read from where this checkpoint was, behind the tables" in line
    assert "the tables are asked for what was taken before 20" in line
    assert lake.stored() == ["a", "b", "c", "d", "e"]
    assert prove(lake.spark, lake.tables).is_clean


@pytest.mark.slow
def test_a_checkpoint_that_another_one_has_overtaken_stores_nothing_twice(
    lake: SmallLake, tmp_path: Path
) -> None:
    """When it began, the lake was empty, and its state covered all that there was."""
    lake.tables.create(lake.spark)
    lake.process()
    lake.put(event("a", NOW), b"not json")
    with_checkpoints(lake, tmp_path / "other").process()
    lake.put(event("b", NOW), event("a", NOW))
    lake.process()
    assert lake.stored() == ["a", "b"]
    assert prove(lake.spark, lake.tables).is_clean


def test_a_checkpoint_of_tables_that_are_gone_is_refused(lake: SmallLake, tmp_path: Path) -> None:
    """It would take for stored what is not; without it, all of raw is processed again."""
    lake.put(event("a", NOW), b"not json")
    lake.process()
    shutil.rmtree(tmp_path / "processed")
    with pytest.raises(EventLakeError, match="was made for another events"):
        lake.process()
    shutil.rmtree(tmp_path / "checkpoints")
    lake.process()
    assert lake.stored() == ["a"]
    assert prove(lake.spark, lake.tables).is_clean


def test_records_of_the_hour_that_comes_twice_are_found(
    lake: SmallLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's time zone plays no part, not even when its clocks are put back."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        before, behind = (datetime(2025, 11, 2, hour, minute, tzinfo=UTC) for hour, minute in FOLD)
        lake.put(event("a", 1762000000), ingested_at=before)
        lake.put(b"not json", ingested_at=behind)
        lake.process()
        shutil.rmtree(tmp_path / "checkpoints")
        lake.process()
    finally:
        monkeypatch.undo()
        time.tzset()
    assert lake.stored() == ["a"]
    assert lake.quarantine().count() == 1


def test_of_the_first_snapshot_nothing_counts_as_taken_until_all_is(
    lake: SmallLake, tmp_path: Path
) -> None:
    """`audit` would call the records lost that `process` has yet to read."""
    lake.put(event("a", NOW))
    lake.put(event("b", NOW))
    with_checkpoints(lake, tmp_path / "checkpoints", files=1).process()
    checkpoint = tmp_path / "checkpoints/process"
    (checkpoint / "commits/1").unlink()
    assert taken_version(lake.spark, str(checkpoint)) == -1
