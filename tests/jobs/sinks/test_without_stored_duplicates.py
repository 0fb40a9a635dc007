"""The step that leaves out the events whose identity the table contains."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.lake import Table
from jobs.sinks.batch import Batch
from jobs.sinks.stored_duplicates import without_stored_duplicates
from tests.jobs.sinks.rows import NOON, ROW_SCHEMA, batch_of, numbers, put, row, tables_in

HOUR = timedelta(hours=1)


@pytest.fixture
def events(spark: SparkSession, tmp_path: Path) -> Table:
    """The events a and b, both at noon."""
    events = tables_in(spark, tmp_path).events
    put(events, spark.createDataFrame([row(1, "a"), row(2, "b", name="c:d")], ROW_SCHEMA))
    return events


def test_stored_events_are_left_out_and_counted(spark: SparkSession, events: Table) -> None:
    """Other events stay, and so does another event of the same uuid or of the same time."""
    batch = batch_of(
        spark,
        row(11, "a", needs_lookup=True, is_late=True),
        row(12, "b", needs_lookup=True),
        row(13, "c", needs_lookup=True),
        row(14, "a", NOON + HOUR, needs_lookup=True),
        row(15, "d"),
        number=4,
    )
    left = without_stored_duplicates(events)(batch)
    assert numbers(left.rows) == [13, 14, 15]
    assert (left.number, left.duplicates, left.summary.accepted) == (4, 2, 3)
    assert (left.summary.rejected, left.summary.late) == (0, 1)


def test_a_rejected_row_with_the_identity_of_a_stored_event_stays(
    spark: SparkSession, events: Table
) -> None:
    """Also if its batch contains a late duplicate of that event, and whatever the row lacks."""
    rejected = [
        row(12, "a", reasons=["invalid_event_name"]),
        row(13, "a", name=None, reasons=["missing_event_name"], needs_lookup=True),
        row(14, None, reasons=["missing_event_uuid"]),
    ]
    batch = batch_of(spark, row(11, "a", needs_lookup=True), *rejected)
    left = without_stored_duplicates(events)(batch)
    expected = spark.createDataFrame(rejected, ROW_SCHEMA)
    assert_df_equality(left.rows, expected, ignore_row_order=True)
    assert (left.duplicates, left.summary.accepted, left.summary.rejected) == (1, 0, 3)


def test_an_event_that_needs_no_lookup_is_not_searched(spark: SparkSession, events: Table) -> None:
    """The state has decided about it. The table is not read."""
    batch = batch_of(spark, row(11, "a"), row(12, "a", reasons=["x"], needs_lookup=True))
    assert without_stored_duplicates(events)(batch) is batch


def test_a_batch_without_stored_events_is_not_joined(spark: SparkSession, events: Table) -> None:
    """Neither if no time is shared, nor if only times are shared."""
    step = without_stored_duplicates(events)
    for batch in (
        batch_of(spark, row(11, "a", NOON + HOUR, needs_lookup=True)),
        batch_of(spark, row(11, "z", needs_lookup=True)),
    ):
        assert step(batch) is batch


def test_an_identity_that_is_stored_twice_does_not_hide_other_events(
    spark: SparkSession, events: Table
) -> None:
    """A damaged table must not cost an event of the batch."""
    put(events, spark.createDataFrame([row(1, "a"), row(2, "a")], ROW_SCHEMA))
    batch = batch_of(spark, row(11, "a", needs_lookup=True), row(12, "c", needs_lookup=True))
    left = without_stored_duplicates(events)(batch)
    assert numbers(left.rows) == [12]
    assert (left.duplicates, left.summary.accepted) == (1, 1)


def test_promoted_fields_may_have_any_name(spark: SparkSession, tmp_path: Path) -> None:
    """The helper columns of the lookup begin with an underscore, and fields do not."""
    fields = {name: F.lit("x") for name in ("micros", "stored_event_uuid", "stored_created_at")}
    table = tables_in(spark, tmp_path).events
    events = replace(table, schema=f"{table.schema}, {', '.join(f'{f} string' for f in fields)}")
    events.create(spark)
    put(events, spark.createDataFrame([row(1, "a")], ROW_SCHEMA).withColumns(fields))
    rows = [row(11, "a", needs_lookup=True), row(12, "c", needs_lookup=True)]
    batch = Batch.of(0, spark.createDataFrame(rows, ROW_SCHEMA).withColumns(fields))
    assert numbers(without_stored_duplicates(events)(batch).rows) == [12]
