"""Rows of a batch after the state, and small tables for them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.lake import Table, Tables
from jobs.sinks import Batch

NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)

_POSITION = (
    "shard_id string, sequence_number string, sub_sequence_number bigint, record_index int, "
    "attempt int"
)
_EVENT = "event_uuid string, event_name string, created_at timestamp"
ROW_SCHEMA = f"""
    {_EVENT}, event_date date, reasons array<string>, needs_lookup boolean,
    may_be_processed boolean, is_late boolean, ingested_at timestamp, {_POSITION}"""
EVENT_SCHEMA = f"{_EVENT}, event_date date, ingested_at timestamp, {_POSITION}"
QUARANTINE_SCHEMA = f"{_EVENT}, reasons array<string>, ingested_at timestamp, {_POSITION}"

RowValues = tuple[Any, ...]


def row(
    number: int,
    uuid: str | None = "a",
    created_at: datetime = NOON,
    name: str | None = "a:b",
    *,
    reasons: Sequence[str] = (),
    needs_lookup: bool = False,
    may_be_processed: bool = False,
    is_late: bool = False,
    ingested_at: datetime = NOON,
    attempt: int = 0,
    index: int = -1,
) -> RowValues:
    """A row of ROW_SCHEMA. `number` is its sequence number, `index` its record_index."""
    return (
        *(uuid, name, created_at, created_at.date(), list(reasons)),
        *(needs_lookup, may_be_processed, is_late, ingested_at),
        *("shard", str(number), 0, index, attempt),
    )


def batch_of(spark: SparkSession, *rows: RowValues, number: int = 0) -> Batch:
    return Batch.of(number, spark.createDataFrame(list(rows), ROW_SCHEMA))


def tables_in(spark: SparkSession, folder: Path) -> Tables:
    """Empty tables `events` and `quarantine` with the columns of this module."""
    names = ("event_name", "event_date")
    tables = Tables(
        raw=Table(f"{folder}/raw", EVENT_SCHEMA, (), ()),
        events=Table(f"{folder}/events", EVENT_SCHEMA, names, ("created_at", "ingested_at")),
        quarantine=Table(f"{folder}/quarantine", QUARANTINE_SCHEMA, (), ("ingested_at",)),
    )
    for table in (tables.events, tables.quarantine):
        table.create(spark)
    return tables


def put(table: Table, rows: DataFrame) -> None:
    """Append the columns of `rows` that `table` has."""
    columns = table.read(rows.sparkSession).columns
    rows.select(*columns).write.format("delta").mode("append").save(table.path)


def numbers(rows: DataFrame) -> list[int]:
    """The sequence numbers of `rows`, sorted."""
    return sorted(int(each[0]) for each in rows.select("sequence_number").collect())
