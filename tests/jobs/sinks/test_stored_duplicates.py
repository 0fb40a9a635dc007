"""An event that needs a lookup is searched in the table: by its time first, then by identity."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from jobs.lake import Table
from jobs.sinks.batch import LookupRange
from jobs.sinks.stored_duplicates import MAX_RANGES, few_ranges, stored_duplicates

NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)
IDENTITY = "event_uuid string, created_at timestamp"
SCHEMA = f"{IDENTITY}, event_name string, event_date date"
LOOKUP = f"{IDENTITY}, needs_lookup boolean"


@pytest.fixture
def events(spark: SparkSession, tmp_path: Path) -> Table:
    table = Table(f"{tmp_path}/events", SCHEMA, ("event_name", "event_date"), ("created_at",))
    table.create(spark)
    stored = [
        ("e1", NOON, "account:created", NOON.date()),
        ("e2", NOON, "account:deleted", NOON.date()),
        ("e3", NOON + timedelta(hours=1), "lesson:started", NOON.date()),
        ("e4", NOON + timedelta(days=1), "lesson:started", NOON.date() + timedelta(days=1)),
    ]
    append(spark.createDataFrame(stored, SCHEMA), table)
    return table


def append(rows: DataFrame, table: Table) -> None:
    rows.write.format("delta").mode("append").save(table.path)


def looked_up(
    spark: SparkSession, events: Table, *rows: tuple[str, datetime, bool]
) -> DataFrame | None:
    batch = spark.createDataFrame(list(rows), LOOKUP)
    days = {time.date() for _, time, needs_lookup in rows if needs_lookup}
    return stored_duplicates(batch, events, [whole_day(day, len(rows)) for day in sorted(days)])


def whole_day(day: date, rows: int) -> LookupRange:
    first = (day - date(1970, 1, 1)).days * 86_400_000_000
    return LookupRange(day, first, first + 86_399_999_999, rows)


def test_duplicates_are_found_under_any_name(spark: SparkSession, events: Table) -> None:
    """Another event with the same time is none, nor is another time of the same uuid. An event that
    needs no lookup is not searched."""
    found = looked_up(
        spark,
        events,
        ("e1", NOON, True),
        ("e9", NOON, True),
        ("e2", NOON + timedelta(hours=1), True),
        ("e3", NOON + timedelta(hours=1), False),
        ("e4", NOON + timedelta(days=1), True),
    )
    assert found is not None
    expected = [("e1", NOON), ("e4", NOON + timedelta(days=1))]
    assert_df_equality(found, spark.createDataFrame(expected, IDENTITY), ignore_row_order=True)


def test_an_identity_that_a_damaged_table_has_twice_is_found_once(
    spark: SparkSession, events: Table
) -> None:
    """Each found row counts as one event of the batch, so two would hide another event."""
    again = [("e1", NOON, "account:created", NOON.date())]
    append(spark.createDataFrame(again, SCHEMA), events)
    found = looked_up(spark, events, ("e1", NOON, True), ("e9", NOON, True))
    assert found is not None
    assert [row.event_uuid for row in found.collect()] == ["e1"]


def test_identities_are_read_only_in_partitions_that_share_a_time(
    spark: SparkSession, events: Table
) -> None:
    """They are the largest column, and few events share a time by chance."""
    rows = ("e9", NOON + timedelta(hours=1), True), ("e9", NOON + timedelta(hours=2), True)
    found = looked_up(spark, events, *rows)
    assert found is not None
    [file] = [name for name in found.inputFiles() if "/events/" in name]
    assert "/event_name=lesson%3Astarted/event_date=2025-11-22/" in file
    assert found.count() == 0


def test_no_identity_is_read_if_no_time_is_shared(spark: SparkSession, events: Table) -> None:
    """Then there is no result, and the batch needs no join."""
    assert looked_up(spark, events, ("e1", NOON + timedelta(seconds=1), True)) is None


def test_both_reads_see_the_same_version(spark: SparkSession, events: Table) -> None:
    """A row that moves to another partition between the reads is found in its first partition."""
    found = looked_up(spark, events, ("e1", NOON, True))
    moved = spark.createDataFrame([("e1", NOON, "account:moved", NOON.date())], SCHEMA)
    moved.write.format("delta").mode("overwrite").save(events.path)
    assert found is not None
    assert [row.event_uuid for row in found.collect()] == ["e1"]


def test_only_the_dates_and_partitions_of_the_late_events_are_read(
    spark: SparkSession, events: Table
) -> None:
    """Even if there are many of them."""
    times = [NOON - timedelta(days=day) for day in range(120)]
    rows = [
        (f"d{n}", time, name, time.date())
        for n, time in enumerate(times)
        for name in ("page:viewed", "page:left")
        if n % 2 or name == "page:viewed"
    ]
    append(spark.createDataFrame(rows, SCHEMA), events)
    late = [(f"d{n}", time, True) for n, time in enumerate(times) if n % 2 == 0]
    found = looked_up(spark, events, *late)
    assert found is not None
    assert not [name for name in found.inputFiles() if "page%3Aleft" in name]
    assert_df_equality(
        found,
        spark.createDataFrame([(uuid, time) for uuid, time, _ in late], IDENTITY),
        ignore_row_order=True,
    )


def test_dates_are_merged_where_the_time_between_them_is_shortest() -> None:
    """The number of ranges is limited, because each row is compared with each range."""

    def lookups(day: int) -> LookupRange:
        return LookupRange(date(2025, 1, 1) + timedelta(days=day), day * 10, day * 10 + 5, 1)

    few = [lookups(day) for day in range(MAX_RANGES)]
    assert few_ranges(few[::-1]) == [(each.first, each.last) for each in few]
    assert few_ranges([lookups(7)]) == [(70, 75)]
    far = [lookups(1_000 * day) for day in range(1, MAX_RANGES)]
    assert few_ranges([*far, *few]) == [
        (0, few[-1].last),
        *((each.first, each.last) for each in far),
    ]
