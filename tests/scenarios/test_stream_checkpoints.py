"""The checkpoints of `stream`: lost, exchanged, or used for another stream or raw table."""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Query, Settings, Source
from jobs.errors import CheckpointError, DataLossError
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.small_lake import SmallLake, forget_tables, settings_in
from tests.support.two_rounds import AFTER, BEFORE, assert_exact


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        for stream in ("events", "others"):
            running.client().create_stream(StreamName=stream, ShardCount=1)
        yield running


def test_stream_is_exact_after_both_checkpoints_are_lost(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """`ingest` continues after the last record in raw, `process` looks up the tables, and the log
    reports both."""
    settings = _settings(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _stream(settings)
    shutil.rmtree(tmp_path / "checkpoints")
    _send(fake, *AFTER)
    with caplog.at_level(logging.INFO):
        _stream(settings)
    assert "query=ingest run=1 checkpoint=new resume=raw shards=1" in caplog.messages
    assert any(m.startswith("query=process run=1 checkpoint=new gen") for m in caplog.messages)
    lake = SmallLake(spark, settings)
    assert lake.tables.raw.read(spark).count() == len(BEFORE + AFTER)
    assert verify_tables(spark, lake.tables).is_clean
    assert_exact(lake)


def test_a_checkpoint_of_ingest_is_rejected_for_another_stream_or_raw_table(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """With it, `ingest` would skip records of the other stream, or records that raw lacks."""
    settings = _settings(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _run(settings, Query.INGEST)
    message = "was made for another stream: expected others, found events"
    with pytest.raises(CheckpointError, match=message):
        _run(_settings(fake, tmp_path, "others"), Query.INGEST)
    shutil.rmtree(tmp_path / "raw")
    forget_tables(spark)
    with pytest.raises(CheckpointError, match="was made for another raw"):
        _stream(settings)
    (tmp_path / "checkpoints/ingest").rename(tmp_path / "moved")
    _stream(settings)
    _send(fake, *AFTER)
    _stream(settings)
    lake = SmallLake(spark, settings)
    assert lake.tables.raw.read(spark).count() == len(BEFORE + AFTER)
    assert_exact(lake)


def test_a_stream_that_was_created_again_is_read_after_one_start_that_allows_the_gap(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """Without it, the run ends with the cause. Each record that exists is stored once."""
    fake.advance_clock(timedelta(minutes=-1))
    settings = _settings(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _stream(settings)
    fake.client().delete_stream(StreamName="events")
    fake.advance_clock(timedelta(minutes=1))
    fake.client().create_stream(StreamName="events", ShardCount=2)
    _send(fake, *AFTER)
    with pytest.raises(DataLossError, match=r"stream 'events' was created at .* of the same name"):
        _run(settings, Query.INGEST)
    tolerant = replace(settings, source=replace(settings.source, fail_on_data_loss=False))
    _stream(tolerant)
    _stream(settings)
    lake = SmallLake(spark, settings)
    assert lake.tables.raw.read(spark).count() == len(BEFORE + AFTER)
    assert verify_tables(spark, lake.tables).is_clean
    assert_exact(lake)


def test_a_checkpoint_with_the_offsets_of_the_other_query_is_rejected(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """The folders of `ingest` and `process` were exchanged."""
    settings = _settings(fake, tmp_path, "events")
    _send(fake, *BEFORE)
    _stream(settings)
    folder = tmp_path / "checkpoints"
    for name, new_name in (("ingest", "other"), ("process", "ingest"), ("other", "process")):
        (folder / name).rename(folder / new_name)
    for query in Query:
        with pytest.raises(CheckpointError, match="checkpoint") as rejected:
            _run(settings, query)
        assert "\n" not in str(rejected.value)
    shutil.rmtree(folder)
    _send(fake, *AFTER)
    _stream(settings)
    assert_exact(SmallLake(spark, settings))


def _settings(fake: FakeKinesis, folder: Path, stream: str) -> Settings:
    source = Source(stream=stream, endpoint_url=fake.url)
    return replace(settings_in(folder), source=source)


def _send(fake: FakeKinesis, *records: bytes) -> None:
    for data in records:
        fake.client().put_record(StreamName="events", Data=data, PartitionKey="key")


def _stream(settings: Settings) -> None:
    _run(settings, Query.INGEST, Query.PROCESS)


def _run(settings: Settings, *queries: Query) -> None:
    with translated_spark_errors():
        Run(settings, available_now=True).start(queries)
