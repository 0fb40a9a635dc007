"""What the state remembers, and which rows must ask the table."""

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from transforms.contract import InvalidSettingError, MissingColumnsError
from transforms.once import once_within, with_clock, with_identity, with_lateness

WINDOW = timedelta(minutes=10)
FUTURE = timedelta(minutes=5)


def test_with_identity_keeps_rejected_records_apart(spark: SparkSession) -> None:
    """Records without an identity are no twins of each other: their position tells them apart."""
    position = "shard_id string, sequence_number string, sub_sequence_number bigint, attempt int"
    schema = f"reasons array<string>, event_uuid string, created_at timestamp, {position}"
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = spark.createDataFrame(
        [
            ([], "e1", noon, "s0", "11", 0, 0),
            (["not_json"], None, None, "s0", "12", 0, 0),
            (["not_json"], None, None, "s0", "12", 1, 0),
            # a sound identity does not help a record that another check rejects
            (["invalid_event_name"], "e1", noon, "s0", "13", 0, 2),
        ],
        schema,
    )
    actual = rows.transform(with_identity).select("identity_text", "identity_time")
    expected = spark.createDataFrame(
        [
            ("e1", noon),
            ("s0/12/0/0", None),
            ("s0/12/1/0", None),
            ("s0/13/0/2", None),
        ],
        "identity_text string, identity_time timestamp",
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


def test_with_lateness_trusts_the_state_only_where_it_remembers(spark: SparkSession) -> None:
    """A row is fresh only if no twin of it can be older than what the state holds."""
    covered_since = datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
    clock = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    schema = """name string, reasons array<string>, created_at timestamp, ingested_at timestamp,
        processed_at timestamp, attempt int"""

    def at(minutes: float) -> datetime:
        return clock + timedelta(minutes=minutes)

    rows = spark.createDataFrame(
        [
            ("just made", [], at(0), at(0), clock, 0),
            ("inside the window", [], at(-9.99), at(0), clock, 0),
            ("at its edge", [], at(-10), at(0), clock, 0),
            ("hours old", [], at(-300), at(0), clock, 0),
            ("from the future", [], at(4), at(0), clock, 0),
            ("state too young", [], at(-25), at(-25), at(-20), 0),
            ("state old enough", [], at(-24.9), at(-24), at(-20), 0),
            ("rejected, new", ["not_json"], None, at(-1), clock, 0),
            ("rejected, older than the state", ["not_json"], None, at(-31), clock, 0),
        ],
        schema,
    )
    actual = rows.transform(with_lateness(WINDOW, FUTURE, covered_since)).select("name", "is_late")
    expected = spark.createDataFrame(
        [
            ("just made", False),
            ("inside the window", False),
            ("at its edge", True),
            ("hours old", True),
            ("from the future", False),
            ("state too young", True),
            ("state old enough", False),
            ("rejected, new", False),
            ("rejected, older than the state", True),
        ],
        "name string, is_late boolean",
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


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
        _empty(spark, "identity_text string, identity_time timestamp").transform(
            once_within(WINDOW)
        )


def _empty(spark: SparkSession, schema: str) -> DataFrame:
    return spark.createDataFrame([], schema)
