"""What the state remembers, and which rows must ask the table."""

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from transforms.deduplication import once_within, with_clock, with_lateness, with_own_position
from transforms.errors import InvalidSettingError, MissingColumnsError

WINDOW = timedelta(minutes=10)
FUTURE = timedelta(minutes=5)


def test_the_position_stands_for_what_the_state_must_not_judge(spark: SparkSession) -> None:
    """Records without an identity are no twins of each other, nor is a late replayed record one of
    its own first attempt."""
    position = "shard_id string, sequence_number string, sub_sequence_number bigint, attempt int"
    schema = f"reasons array<string>, is_late boolean, {position}"
    rows = spark.createDataFrame(
        [
            ([], False, "s0", "11", 0, 0),
            ([], True, "s0", "11", 1, 0),
            ([], False, "s0", "11", 2, 1),
            ([], True, "s0", "11", 3, 1),
            (["not_json"], False, "s0", "12", 0, 0),
            (["not_json"], False, "s0", "12", 1, 0),
            (["invalid_event_name"], False, "s0", "13", 0, 2),
        ],
        schema,
    )
    actual = rows.transform(with_own_position).select("own_position")
    expected = spark.createDataFrame(
        [(None,), (None,), (None,), ("s0/11/3/1",), ("s0/12/0/0",), ("s0/12/1/0",), ("s0/13/0/2",)],
        "own_position string",
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


def test_with_lateness_trusts_the_state_only_where_it_remembers(spark: SparkSession) -> None:
    """A row is fresh only if no twin of it can be older than what the state holds."""
    covered_since = datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
    clock = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    schema = """name string, reasons array<string>, created_at timestamp, ingested_at timestamp,
        processed_at timestamp"""

    def at(minutes: float) -> datetime:
        return clock + timedelta(minutes=minutes)

    rows = spark.createDataFrame(
        [
            ("just made", [], at(0), at(0), clock),
            ("inside the window", [], at(-9.99), at(0), clock),
            ("at its edge", [], at(-10), at(0), clock),
            ("hours old", [], at(-300), at(0), clock),
            ("from the future", [], at(4), at(0), clock),
            ("state too young", [], at(-20), at(-20), at(-12)),
            ("state old enough", [], at(-19.9), at(-19), at(-12)),
            ("ingested before the state", [], at(-26), at(-25), at(-25)),
            ("rejected, new", ["not_json"], None, at(-1), clock),
            ("rejected, older than the state", ["not_json"], None, at(-25), clock),
        ],
        schema,
    )
    actual = rows.transform(with_lateness(WINDOW, FUTURE, covered_since))
    expected = spark.createDataFrame(
        [
            ("just made", False, False),
            ("inside the window", False, False),
            ("at its edge", True, False),
            ("hours old", True, False),
            ("from the future", False, False),
            ("state too young", True, False),
            ("state old enough", False, False),
            ("ingested before the state", True, True),
            ("rejected, new", False, False),
            ("rejected, older than the state", False, True),
        ],
        "name string, is_late boolean, may_be_taken boolean",
    )
    assert_df_equality(actual.select(*expected.columns), expected, ignore_nullable=True)


def test_with_clock_never_goes_below_its_floor(spark: SparkSession) -> None:
    """After a fail-over to a machine whose time lags, the clock goes on where it was."""
    floor = datetime(2999, 1, 1, tzinfo=UTC)
    rows = spark.range(1).transform(with_clock(floor))
    assert rows.select(F.col("processed_at") == F.lit(floor)).collect() == [(True,)]


def test_once_within_wants_a_window_and_its_columns(spark: SparkSession) -> None:
    """A window of nothing would forget at once; a frame without a clock cannot be deduplicated."""
    with pytest.raises(InvalidSettingError, match="a window longer than nothing"):
        once_within(timedelta(0))
    with pytest.raises(MissingColumnsError, match="processed_at"):
        _empty(spark, "event_uuid string, created_at timestamp").transform(once_within(WINDOW))


def _empty(spark: SparkSession, schema: str) -> DataFrame:
    return spark.createDataFrame([], schema)
