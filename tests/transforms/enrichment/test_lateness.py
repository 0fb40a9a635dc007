"""An event is late if it arrived longer than the window after it was created."""

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.enrichment.lateness import with_lateness
from transforms.errors import InvalidSettingError, MissingColumnsError

WINDOW = timedelta(minutes=10)
CREATED_AT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

TIMES = "created_at timestamp, arrived_at timestamp, ingested_at timestamp"


def test_only_arrival_after_the_window_is_late(spark: SparkSession) -> None:
    """The window itself is not late, one microsecond more is."""
    much_later = CREATED_AT + timedelta(days=30)
    expected = spark.createDataFrame(
        [
            ("at once", CREATED_AT, CREATED_AT, CREATED_AT, False),
            ("exactly the window", CREATED_AT, CREATED_AT + WINDOW, much_later, False),
            ("one more", CREATED_AT, CREATED_AT + WINDOW + MICROSECOND, much_later, True),
            ("days later", CREATED_AT, CREATED_AT + timedelta(days=7), much_later, True),
            ("from the future", CREATED_AT, CREATED_AT - timedelta(hours=1), CREATED_AT, False),
            ("before 1970", datetime(1900, 1, 1, tzinfo=UTC), CREATED_AT, CREATED_AT, True),
            ("not created", None, CREATED_AT, CREATED_AT, None),
        ],
        f"name string, {TIMES}, is_late boolean",
    )

    actual = expected.drop("is_late").transform(with_lateness(WINDOW))

    assert_df_equality(actual, expected)


def test_the_ingestion_is_used_if_no_arrival_is_known(spark: SparkSession) -> None:
    """Kinesis may report no arrival. An arrival that is known takes precedence."""
    expected = spark.createDataFrame(
        [
            ("in the window", CREATED_AT, None, CREATED_AT + WINDOW, False),
            ("later", CREATED_AT, None, CREATED_AT + WINDOW + MICROSECOND, True),
            ("arrived late", CREATED_AT, CREATED_AT + 2 * WINDOW, CREATED_AT, True),
            ("no time at all", None, None, CREATED_AT, None),
        ],
        f"name string, {TIMES}, is_late boolean",
    )

    actual = expected.drop("is_late").transform(with_lateness(WINDOW))

    assert_df_equality(actual, expected)


def test_a_window_may_be_shorter_than_a_second(spark: SparkSession) -> None:
    """The window counts in microseconds, as timestamps do."""
    arrivals = [CREATED_AT + 1500 * MICROSECOND, CREATED_AT + 1501 * MICROSECOND]
    rows = spark.createDataFrame([(CREATED_AT, at, at) for at in arrivals], TIMES)

    actual = rows.transform(with_lateness(timedelta(milliseconds=1.5)))

    assert [row["is_late"] for row in actual.select("is_late").collect()] == [False, True]


@pytest.mark.parametrize("window", [timedelta(0), timedelta(minutes=-1)])
def test_a_window_must_be_greater_than_zero(window: timedelta) -> None:
    """The error comes when the transform is made, not when it is applied."""
    with pytest.raises(InvalidSettingError, match="expected a window greater than zero, got"):
        with_lateness(window)


@pytest.mark.parametrize("missing", ["created_at", "arrived_at", "ingested_at"])
def test_a_frame_without_its_columns_is_rejected(spark: SparkSession, missing: str) -> None:
    """The error names the column, before any row is read."""
    rows = spark.createDataFrame([], TIMES).drop(missing)

    with pytest.raises(MissingColumnsError, match=rf"with_lateness needs .*\['{missing}'\]"):
        rows.transform(with_lateness(WINDOW))
