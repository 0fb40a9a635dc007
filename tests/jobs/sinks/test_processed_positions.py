"""A record that an earlier run has stored or quarantined stays where it is."""

from datetime import timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from jobs.lake import Tables
from jobs.sinks.processed_positions import processed_positions, without_processed_positions
from tests.jobs.sinks.rows import NOON, ROW_SCHEMA, batch_of, numbers, put, row, tables_in

HOUR = timedelta(hours=1)
MICROS = 1_763_812_800_000_000  # NOON
POSITION = (
    "shard_id string, sequence_number string, sub_sequence_number bigint, record_index int, "
    "attempt int"
)


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    """Events contain the record 1, quarantine the record 2; both were ingested at noon."""
    tables = tables_in(spark, tmp_path)
    put(tables.events, spark.createDataFrame([row(1, "e1")], ROW_SCHEMA))
    put(tables.quarantine, spark.createDataFrame([row(2, "e2", reasons=["x"])], ROW_SCHEMA))
    return tables


def test_positions_are_found_in_both_tables(spark: SparkSession, tables: Tables) -> None:
    """Another attempt has another position, and a row that is not looked up is not found."""
    rows = spark.createDataFrame(
        [
            row(1, may_be_processed=True),
            row(2, may_be_processed=True),
            row(3, may_be_processed=True),
            row(1, may_be_processed=True, attempt=1),
        ],
        ROW_SCHEMA,
    )
    found = processed_positions(rows, tables, count=4, first=MICROS, last=MICROS)
    expected = [("shard", "1", 0, -1, 0), ("shard", "2", 0, -1, 0)]
    assert_df_equality(found, spark.createDataFrame(expected, POSITION), ignore_row_order=True)


def test_only_files_of_that_ingestion_time_are_read(spark: SparkSession, tables: Tables) -> None:
    """A record has one `ingested_at`, in raw and in the table."""
    rows = spark.createDataFrame([row(1, may_be_processed=True)], ROW_SCHEMA)
    found = processed_positions(rows, tables, count=1, first=MICROS + 1, last=MICROS + 2)
    assert found.count() == 0


def test_a_processed_record_is_left_out_whatever_the_rules_are_now(
    spark: SparkSession, tables: Tables
) -> None:
    """The rejected record 1 is an event of the table, and the accepted record 2 is quarantined."""
    batch = batch_of(
        spark,
        row(1, "e1", reasons=["new_rule"], may_be_processed=True),
        row(2, "e2", may_be_processed=True),
        row(3, "e3", may_be_processed=True),
        row(4, "e4", reasons=["x"], may_be_processed=True),
    )
    left = without_processed_positions(tables)(batch)
    assert numbers(left.rows) == [3, 4]
    assert (left.duplicates, left.summary.accepted, left.summary.rejected) == (2, 1, 1)


def test_a_record_that_was_ingested_later_is_not_looked_up(
    spark: SparkSession, tables: Tables
) -> None:
    """No earlier checkpoint can have processed it, so the tables are not read."""
    batch = batch_of(spark, row(1), row(2, reasons=["x"]))
    assert without_processed_positions(tables)(batch) is batch


def test_every_row_of_the_batch_in_doubt_is_looked_up(spark: SparkSession, tables: Tables) -> None:
    """By its position now, and each event of it by its identity in a later step."""
    rows = (row(1, "e1"), row(3, "e3"), row(2, "e2"), row(4, "e4", reasons=["x"]))
    step = without_processed_positions(tables, in_doubt=7)
    left = step(batch_of(spark, *rows, number=7))
    assert numbers(left.rows) == [3, 4]
    assert left.duplicates == 2
    flags = left.rows.select("sequence_number", "needs_lookup", "may_be_processed").collect()
    assert sorted(map(tuple, flags)) == [("3", True, True), ("4", False, True)]
    assert [each.rows for each in left.summary.lookups] == [1]
    other = batch_of(spark, *rows, number=8)
    assert step(other) is other


def test_the_ingestion_times_of_the_batch_limit_the_lookup(
    spark: SparkSession, tables: Tables
) -> None:
    """A row without may_be_processed does not widen the range."""
    batch = batch_of(
        spark,
        row(1, may_be_processed=True, ingested_at=NOON - HOUR),
        row(5, ingested_at=NOON + HOUR),
    )
    assert numbers(without_processed_positions(tables)(batch).rows) == [1, 5]


def test_a_record_that_was_processed_whole_has_all_of_its_events(
    spark: SparkSession, tables: Tables
) -> None:
    """And the other way round: the format of records may have changed. Other events differ."""
    put(tables.events, spark.createDataFrame([row(3, "e3", index=1)], ROW_SCHEMA))
    batch = batch_of(
        spark,
        row(2, "in a record that was quarantined", may_be_processed=True, index=0),
        row(3, "another event of its record", may_be_processed=True, index=0),
        row(3, "e3", may_be_processed=True, index=1),
        row(4, "a record that is not processed", may_be_processed=True, index=0),
    )
    whole = batch_of(spark, row(3, None, reasons=["not_json"], may_be_processed=True))

    left = without_processed_positions(tables)(batch)
    kept = left.rows.select("event_uuid").orderBy("event_uuid").collect()
    assert [each[0] for each in kept] == [
        "a record that is not processed",
        "another event of its record",
    ]
    assert without_processed_positions(tables)(whole).rows.count() == 0
