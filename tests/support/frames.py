"""Input frames for the tests of several transforms."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession

from transforms.columns import RAW_SCHEMA

ARRIVED_AT = datetime(2025, 11, 22, 8, 30, tzinfo=UTC)
INGESTED_AT = datetime(2025, 11, 22, 8, 31, tzinfo=UTC)


def raw_frame(
    spark: SparkSession,
    records: Iterable[bytes | None],
    arrived_at: datetime | None = ARRIVED_AT,
) -> DataFrame:
    """Return one raw row for each record. Its sequence number is its index."""
    rows = [
        (
            None if data is None else bytearray(data),
            "key",
            "shardId-000000000000",
            str(index),
            None,
            arrived_at,
            INGESTED_AT,
            INGESTED_AT.date(),
            0,
            -1,
        )
        for index, data in enumerate(records)
    ]
    return spark.createDataFrame(rows, RAW_SCHEMA)


def in_order(frame: DataFrame, *columns: str | Column) -> list[tuple[Any, ...]]:
    """Return the values of `columns` in each row, in the order of the records."""
    rows = frame.select("sequence_number", *columns).collect()
    return [tuple(row)[1:] for row in sorted(rows, key=lambda row: int(row[0]))]
