"""`ingest` on a stream: every record into raw, each once."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from jobs.config import Query, Settings, Source, Stream
from jobs.errors import CheckpointError
from jobs.runtime import translated_spark_errors
from jobs.streaming.ingest import at_each_trigger, read_stream
from jobs.streaming.runner import Run
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.small_lake import SmallLake, settings_in
from transforms.columns import RECORD_SCHEMA


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        running.client().create_stream(StreamName="events", ShardCount=2)
        yield running


@pytest.fixture
def settings(fake: FakeKinesis, tmp_path: Path) -> Settings:
    source = Source(stream="events", endpoint_url=fake.url)
    return replace(settings_in(tmp_path), source=source)


def send(fake: FakeKinesis, count: int, sent: list[bytes]) -> None:
    """Put the next `count` records."""
    for _ in range(count):
        sent.append(b"record %d" % len(sent))
        fake.client().put_record(StreamName="events", Data=sent[-1], PartitionKey=f"{len(sent)}")


def ingest(settings: Settings) -> None:
    with translated_spark_errors():
        Run(settings, available_now=True).start([Query.INGEST])


def raw_of(spark: SparkSession, settings: Settings) -> list[bytes]:
    rows = SmallLake(spark, settings).tables.raw.read(spark).select("data").collect()
    return sorted(bytes(row[0]) for row in rows)


def test_each_run_appends_the_records_that_are_new(
    spark: SparkSession, fake: FakeKinesis, settings: Settings
) -> None:
    """With its checkpoint, and without it."""
    sent: list[bytes] = []
    for _ in range(2):
        send(fake, 10, sent)
        ingest(settings)
        assert raw_of(spark, settings) == sorted(sent)
    shutil.rmtree(settings.lake.checkpoints)
    send(fake, 10, sent)
    ingest(settings)
    assert raw_of(spark, settings) == sorted(sent)


def test_two_copies_of_a_checkpoint_take_turns_and_raw_is_exact(
    spark: SparkSession, fake: FakeKinesis, settings: Settings, tmp_path: Path
) -> None:
    """The copy that was overtaken is rejected. It continues when its folder is moved away."""
    copied = replace(settings, lake=replace(settings.lake, checkpoints=f"{tmp_path}/copy"))
    sent: list[bytes] = []

    send(fake, 10, sent)
    ingest(settings)
    shutil.copytree(tmp_path / "checkpoints", tmp_path / "copy")
    send(fake, 10, sent)
    ingest(copied)
    send(fake, 10, sent)
    message = r"run 1, which the checkpoint does not record, has written"
    with pytest.raises(CheckpointError, match=message):
        ingest(settings)
    send(fake, 10, sent)
    ingest(copied)
    shutil.rmtree(tmp_path / "checkpoints")
    send(fake, 10, sent)
    ingest(settings)
    assert raw_of(spark, settings) == sorted(sent)


def test_the_stream_is_a_streaming_frame_of_records(
    spark: SparkSession, settings: Settings
) -> None:
    """Positions and an end are options of the source."""
    frame = read_stream(spark, settings.source, {"shardId-000000000000": "7"}, datetime.now(UTC))
    assert frame.isStreaming
    assert frame.schema == spark.createDataFrame([], RECORD_SCHEMA).schema


@pytest.mark.parametrize(
    ("trigger", "interval"),
    [
        (timedelta(milliseconds=250), "250 milliseconds"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(days=1), "1 day"),
    ],
)
def test_a_batch_starts_at_each_trigger(
    spark: SparkSession, tmp_path: Path, trigger: timedelta, interval: str
) -> None:
    """Spark reads the interval, whatever its unit is."""
    writer = spark.readStream.format("rate").load().writeStream
    settings = settings_in(tmp_path, stream=Stream(trigger=trigger))
    with patch.object(DataStreamWriter, "trigger", autospec=True) as called:
        at_each_trigger(writer, settings)
    called.assert_called_once_with(writer, processingTime=interval)
    assert at_each_trigger(writer, settings) is writer
