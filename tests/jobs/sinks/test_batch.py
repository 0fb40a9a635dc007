"""The summary of a batch, and the rows that a step leaves out of it."""

from datetime import timedelta

from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.sinks.batch import Batch, LookupRange, Summary, summarize
from tests.jobs.sinks.rows import NOON, ROW_SCHEMA, batch_of, row

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MICROS = 1_763_812_800_000_000  # NOON
DAY_MICROS = 86_400_000_000
EMPTY = Summary(0, 0, 0, (), frozenset(), 0, 0, 0, 0)


def test_a_summary_counts_all_that_the_steps_need(spark: SparkSession) -> None:
    """Lookups are grouped by date. Of rejected rows only the number and the ingestion count."""
    rows = [
        row(1, "fresh", name="fresh"),
        row(2, "late", is_late=True, needs_lookup=True),
        row(3, "later", NOON + HOUR, is_late=True, needs_lookup=True),
        row(4, "old", NOON - DAY, name="old", needs_lookup=True, attempt=2),
        row(5, "processed", name="old", may_be_processed=True, ingested_at=NOON + HOUR),
        row(6, "bad", name="bad", reasons=["not_json"], is_late=True, needs_lookup=True),
        row(7, None, name=None, reasons=["x", "y"], may_be_processed=True, ingested_at=NOON - HOUR),
    ]
    summary = summarize(spark.createDataFrame(rows, ROW_SCHEMA))
    lookups = sorted(summary.lookups, key=lambda each: each.event_date)
    assert lookups == [
        LookupRange((NOON - DAY).date(), MICROS - DAY_MICROS, MICROS - DAY_MICROS, rows=1),
        LookupRange(NOON.date(), MICROS, MICROS + DAY_MICROS // 24, rows=2),
    ]
    assert summary == Summary(
        accepted=5,
        rejected=2,
        late=2,
        lookups=summary.lookups,
        names=frozenset({"fresh", "a:b", "old"}),
        replayed=1,
        may_be_processed=2,
        first_ingested=MICROS - DAY_MICROS // 24,
        last_ingested=MICROS + DAY_MICROS // 24,
    )


def test_an_empty_batch_has_an_empty_summary(spark: SparkSession) -> None:
    """No step has anything to do then."""
    assert summarize(spark.createDataFrame([], ROW_SCHEMA)) == EMPTY


def test_times_may_be_in_years_that_python_does_not_have(spark: SparkSession) -> None:
    """A record may contain the year 0 or the year 10000, and its times stay numbers."""
    micros = -62_167_219_200_000_000  # 0000-01-01
    rows = spark.createDataFrame([row(1, needs_lookup=True)], ROW_SCHEMA)
    early = rows.withColumn("created_at", F.timestamp_micros(F.lit(micros)))
    [lookup] = summarize(early).lookups
    assert (lookup.first, lookup.last) == (micros, micros)


def test_rows_that_are_left_out_are_counted_and_summarized_again(spark: SparkSession) -> None:
    """The batch keeps its number, and the count adds up over the steps."""
    batch = batch_of(spark, *(row(number, f"e{number}") for number in range(5)), number=8)
    found = batch.rows.where("sequence_number < 2").select("sequence_number")
    left = batch.without(found, ["sequence_number"])
    left = left.without(left.rows.where("sequence_number = 2").select("event_uuid"), ["event_uuid"])
    assert (left.number, left.duplicates, left.summary.accepted) == (8, 3, 2)
    expected = spark.createDataFrame([row(3, "e3"), row(4, "e4")], ROW_SCHEMA)
    assert_df_equality(left.rows, expected, ignore_row_order=True, ignore_column_order=True)


def test_a_batch_without_duplicates_is_not_joined(spark: SparkSession) -> None:
    """Its rows are written as they are."""
    batch = batch_of(spark, row(1))
    assert batch.without(batch.rows.where("false").select("event_uuid"), ["event_uuid"]) is batch


def test_other_rows_have_another_summary(spark: SparkSession) -> None:
    """Number and count of the batch stay."""
    batch = Batch(3, spark.createDataFrame([], ROW_SCHEMA), EMPTY, duplicates=4)
    other = batch.with_rows(spark.createDataFrame([row(1)], ROW_SCHEMA))
    assert (other.number, other.duplicates, other.summary.accepted) == (3, 4, 1)
