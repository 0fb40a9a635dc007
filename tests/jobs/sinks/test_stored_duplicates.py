"""A late event is looked up in the table: by its time first, then by its identity."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from jobs.lake.tables import Table
from jobs.sinks.stored_duplicates import MOST_RANGES, LateRange, few_ranges, stored_twins

NOON = datetime(2025, 11, 22, 12, tzinfo=UTC)
IDENTITY = "event_uuid string, created_at timestamp"
SCHEMA = f"{IDENTITY}, event_name string, event_date date"
LATE = f"{IDENTITY}, is_late boolean"


@pytest.fixture
def events(spark: SparkSession, tmp_path: Path) -> Table:
    made = Table(f"{tmp_path}/events", SCHEMA, ("event_name", "event_date"), ("created_at",))
    made.create(spark)
    stored = [
        ("e1", NOON, "account:created", NOON.date()),
        ("e2", NOON, "account:deleted", NOON.date()),
        ("e3", NOON + timedelta(hours=1), "lesson:started", NOON.date()),
        ("e4", NOON + timedelta(days=1), "lesson:started", NOON.date() + timedelta(days=1)),
    ]
    append(spark.createDataFrame(stored, SCHEMA), made)
    return made


def append(rows: DataFrame, table: Table) -> None:
    rows.write.format("delta").mode("append").save(table.path)


def looked_up(
    spark: SparkSession, events: Table, *late: tuple[str, datetime, bool]
) -> DataFrame | None:
    batch = spark.createDataFrame(late, LATE)
    days = {time.date() for _, time, is_late in late if is_late}
    return stored_twins(batch, events, [whole(day, len(late)) for day in sorted(days)])


def whole(day: date, rows: int) -> LateRange:
    first = (day - date(1970, 1, 1)).days * 86_400_000_000
    return LateRange(day, first, first + 86_399_999_999, rows)


def test_twins_are_found_under_any_name(spark: SparkSession, events: Table) -> None:
    """An event of the same time is none, nor is one of the same uuid; a fresh one is not asked."""
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


def test_identities_are_read_only_where_a_time_is_shared(
    spark: SparkSession, events: Table
) -> None:
    late = ("e9", NOON + timedelta(hours=1), True), ("e9", NOON + timedelta(hours=2), True)
    found = looked_up(spark, events, *late)
    assert found is not None
    [file] = [name for name in found.inputFiles() if "/events/" in name]
    assert "/event_name=lesson%3Astarted/event_date=2025-11-22/" in file
    assert found.count() == 0


def test_nothing_is_read_where_no_time_is_shared(spark: SparkSession, events: Table) -> None:
    assert looked_up(spark, events, ("e1", NOON + timedelta(seconds=1), True)) is None


def test_both_reads_see_one_version(spark: SparkSession, events: Table) -> None:
    """A row that moves to another partition between the two is found where it was."""
    found = looked_up(spark, events, ("e1", NOON, True))
    moved = spark.createDataFrame([("e1", NOON, "account:moved", NOON.date())], SCHEMA)
    moved.write.format("delta").mode("overwrite").save(events.path)
    assert found is not None
    assert [row.event_uuid for row in found.collect()] == ["e1"]


def test_late_events_of_many_days_are_looked_up_in_theirs_alone(
    spark: SparkSession, events: Table
) -> None:
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


def test_dates_are_put_together_where_least_time_is_between_them() -> None:
    def late(day: int) -> LateRange:
        return LateRange(date(2025, 1, 1) + timedelta(days=day), day * 10, day * 10 + 5, 1)

    few = [late(day) for day in range(MOST_RANGES)]
    assert few_ranges(few[::-1]) == [(each.first, each.last) for each in few]
    assert few_ranges([late(7)]) == [(70, 75)]
    lone = [late(1_000 * day) for day in range(1, MOST_RANGES)]
    assert few_ranges([*lone, *few]) == [
        (0, few[-1].last),
        *((each.first, each.last) for each in lone),
    ]
