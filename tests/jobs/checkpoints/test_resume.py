"""Where a run resumes: the checkpoint is compared with the tables before a record is read."""

import logging
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.generation import EPOCH
from jobs.checkpoints.resume import (
    newest_clock,
    resume_ingest,
    resume_process,
    stored_positions,
)
from jobs.config import Source
from jobs.errors import CheckpointError
from jobs.lake import RunProgress
from tests.jobs.checkpoints.spark_files import plan_batch
from tests.support.small_lake import SmallLake, event
from transforms.columns import RAW_SCHEMA

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def lake(lake: SmallLake) -> SmallLake:
    """An empty lake whose tables exist."""
    lake.tables.create(lake.spark)
    return lake


def put_raw(lake: SmallLake, *positions: tuple[str, str]) -> None:
    rows = [
        (bytearray(b"data"), "key", shard, number, 0, NOW, NOW, NOW.date(), 0, -1)
        for shard, number in positions
    ]
    frame = lake.spark.createDataFrame(rows, RAW_SCHEMA)
    frame.write.format("delta").mode("append").save(lake.tables.raw.path)


def test_a_new_checkpoint_of_ingest_continues_after_the_records_in_raw(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """Sequence numbers are compared as numbers: a longer one is greater."""
    put_raw(lake, ("s1", "9"), ("s1", "10"), ("s2", "7"), ("s1", "8"))
    with caplog.at_level(logging.INFO):
        start = resume_ingest(lake.spark, lake.settings, lake.tables)
    assert start.positions == {"s1": "10", "s2": "7"}
    assert start.last_written == -1
    assert start.fence.run == 0
    assert "query=ingest run=0 checkpoint=new resume=raw shards=2" in caplog.messages
    assert stored_positions(lake.spark, lake.tables.raw) == start.positions


def test_a_new_checkpoint_of_ingest_on_an_empty_lake_starts_where_the_settings_say(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no position to continue from."""
    settings = replace(lake.settings, source=Source(stream="unused", start="LATEST"))
    with caplog.at_level(logging.INFO):
        assert resume_ingest(lake.spark, settings, lake.tables).positions == {}
    assert "query=ingest run=0 checkpoint=new resume=LATEST" in caplog.messages


def test_a_checkpoint_of_ingest_with_batches_resumes_from_its_own_offsets(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """The positions in raw are not read, because Spark continues from the last offset."""
    first = resume_ingest(lake.spark, lake.settings, lake.tables)
    plan_batch(Path(first.checkpoint.path), 0, NOW, NOW)
    first.fence.append(lake.tables.raw.read(lake.spark), lake.tables.raw, 0)
    put_raw(lake, ("s1", "9"))
    with caplog.at_level(logging.INFO):
        start = resume_ingest(lake.spark, lake.settings, lake.tables)
    assert (start.positions, start.last_written) == ({}, 0)
    assert "query=ingest run=1 checkpoint=resumed batch=0" in caplog.messages


def test_a_checkpoint_of_process_is_new_then_resumed_then_a_new_generation(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has one line for each start, with the facts that decide about the state."""
    checkpoints = Path(lake.settings.lake.checkpoints)

    def process() -> str:
        caplog.clear()
        with caplog.at_level(logging.INFO):
            lake.put(event("a", int(time.time())))
            lake.process()
        [line] = [m for m in caplog.messages if m.startswith("query=process run=")]
        return line

    first = process()
    assert first.startswith("query=process run=0 checkpoint=new generation=")
    assert first.endswith(f" covered_since={EPOCH.isoformat()} batch_in_doubt=None")
    shutil.copytree(checkpoints, checkpoints.with_name("copy"))
    generation = first.partition("generation=")[2].partition(" ")[0]
    assert process().startswith(
        f"query=process run=1 checkpoint=resumed generation={generation} covered_since=1970"
    )
    shutil.rmtree(checkpoints)
    checkpoints.with_name("copy").rename(checkpoints)
    restored = process()
    assert restored.startswith("query=process run=2 checkpoint=new_generation generation=")
    assert generation not in restored


def test_a_run_of_process_fences_both_tables_and_is_recorded(lake: SmallLake) -> None:
    """The next run finds its progress, and fences it off."""
    first = resume_process(lake.spark, lake.settings, lake.tables)
    assert (first.fence.previous, first.fence.run) == (RunProgress(), 0)
    assert first.checkpoint.last_run() == 0
    second = resume_process(lake.spark, lake.settings, lake.tables)
    assert (second.fence.previous, second.fence.run) == (RunProgress(0, -1), 1)
    assert second.checkpoint.last_run() == 1


def test_a_checkpoint_of_other_tables_fences_nobody(
    spark: SparkSession, lake: SmallLake, tmp_path: Path
) -> None:
    """It is rejected before the run takes the tables from the driver that owns them."""
    start = resume_process(spark, lake.settings, lake.tables)
    other = replace(lake.settings.lake, processed=f"{tmp_path}/other")
    stranger = SmallLake(spark, replace(lake.settings, lake=other))
    stranger.tables.create(spark)
    plan_batch(Path(start.checkpoint.path), 0, NOW, NOW)
    with pytest.raises(CheckpointError, match="was made for another events"):
        resume_process(spark, stranger.settings, stranger.tables)
    start.fence.require()
    assert resume_process(spark, lake.settings, lake.tables).fence.run == 1


def test_the_newest_clock_is_that_of_the_tables_if_this_clock_is_behind(lake: SmallLake) -> None:
    """Otherwise it is the clock of this machine; empty tables have none."""
    assert newest_clock(lake.spark, lake.tables, NOW) is None
    lake.put(b"not json")
    lake.process()
    [row] = lake.quarantine().select("processed_at").collect()
    processed_at = row[0].astimezone(UTC)
    assert newest_clock(lake.spark, lake.tables, NOW) == max(NOW, processed_at)
    hour = timedelta(hours=1)
    assert newest_clock(lake.spark, lake.tables, processed_at - hour) == processed_at
    assert newest_clock(lake.spark, lake.tables, processed_at + hour) == processed_at + hour
