"""The sink of `ingest` writes each batch once."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.errors import CheckpointError, FencedError
from jobs.lake import Table, WriterFence
from jobs.sinks.raw import RawSink


@pytest.fixture
def raw(spark: SparkSession, tmp_path: Path) -> Table:
    raw = Table(f"{tmp_path}/raw", "number bigint", (), ("number",))
    raw.create(spark)
    return raw


def numbers(spark: SparkSession, raw: Table) -> list[int]:
    return sorted(row[0] for row in raw.read(spark).collect())


def test_each_batch_is_appended_once_and_in_order(spark: SparkSession, raw: Table) -> None:
    """A batch that raw contains is skipped, and a gap is an error."""
    sink = RawSink(WriterFence(spark, [raw], "ingest"), raw, last_written=3)
    for batch in (3, 4, 4, 5):
        sink(spark.createDataFrame([(batch,)], "number bigint"), batch)
    message = r"has no batch between 5 and 7 of this checkpoint.*Move the folder `ingest`"
    with pytest.raises(CheckpointError, match=message):
        sink(spark.createDataFrame([(7,)], "number bigint"), 7)
    assert numbers(spark, raw) == [4, 5]


def test_a_fenced_run_appends_no_batch(spark: SparkSession, raw: Table) -> None:
    """A newer run writes the table."""
    sink = RawSink(WriterFence(spark, [raw], "ingest"), raw, last_written=-1)
    WriterFence(spark, [raw], "ingest")
    with pytest.raises(FencedError):
        sink(spark.createDataFrame([(0,)], "number bigint"), 0)
    assert numbers(spark, raw) == []
