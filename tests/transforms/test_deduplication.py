"""What the state remembers, and which events need a lookup in the table."""

from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from transforms.deduplication import (
    with_clock,
    with_lookup_need,
    with_own_position,
    without_recent_duplicates,
)
from transforms.errors import InvalidSettingError, MissingColumnsError

WINDOW = timedelta(minutes=10)
FUTURE = timedelta(minutes=5)


def test_rows_that_the_state_must_not_compare_by_identity_have_their_position(
    spark: SparkSession,
) -> None:
    """Records without an identity are no duplicates of each other. A replayed event that needs a
    lookup is no duplicate of its own first attempt."""
    position = (
        "shard_id string, sequence_number string, sub_sequence_number bigint, record_index int, "
        "attempt int"
    )
    schema = f"reasons array<string>, needs_lookup boolean, {position}"
    rows = spark.createDataFrame(
        [
            ([], False, "s0", "11", 0, -1, 0),
            ([], True, "s0", "11", 1, -1, 0),
            ([], False, "s0", "11", 2, -1, 1),
            ([], True, "s0", "11", 3, -1, 1),
            (["not_json"], False, "s0", "12", 0, -1, 0),
            (["not_json"], False, "s0", "12", 1, -1, 0),
            (["invalid_event_name"], False, "s0", "13", 0, -1, 2),
            (["not_json"], False, "s0", "14", 0, 7, 0),
        ],
        schema,
    )
    actual = rows.transform(with_own_position).select("own_position")
    expected = spark.createDataFrame(
        [
            (None,),
            (None,),
            (None,),
            ("s0/11/3/1",),
            ("s0/12/0/0",),
            ("s0/12/1/0",),
            ("s0/13/0/2",),
            ("s0/14/0/7/0",),
        ],
        "own_position string",
    )
    assert_df_equality(actual, expected, ignore_nullable=True)


def test_an_event_needs_a_lookup_if_the_state_may_not_remember_it(spark: SparkSession) -> None:
    """An event is fresh only if no duplicate of it can be older than what the state remembers."""
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
    actual = rows.transform(with_lookup_need(WINDOW, FUTURE, covered_since))
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
        "name string, needs_lookup boolean, may_be_processed boolean",
    )
    assert_df_equality(actual.select(*expected.columns), expected, ignore_nullable=True)


def test_the_clock_never_goes_below_its_floor(spark: SparkSession) -> None:
    """After a fail-over to a machine whose time is behind, the clock does not go back."""
    floor = datetime(2999, 1, 1, tzinfo=UTC)
    rows = spark.range(1).transform(with_clock(floor))
    assert rows.select(F.col("processed_at") == F.lit(floor)).collect() == [(True,)]


@pytest.mark.parametrize("window", [timedelta(0), timedelta(seconds=-1)])
def test_the_window_must_be_greater_than_zero(window: timedelta) -> None:
    """With a window of zero the state would forget an identity at once."""
    with pytest.raises(InvalidSettingError, match="expected a window greater than zero, got"):
        without_recent_duplicates(window)


def test_a_frame_without_its_columns_is_rejected(spark: SparkSession) -> None:
    """The error names the step and the columns, before any row is read."""
    identity = _empty(spark, "event_uuid string, created_at timestamp")
    with pytest.raises(
        MissingColumnsError, match=r"without_recent_duplicates needs .*processed_at"
    ):
        identity.transform(without_recent_duplicates(WINDOW))
    with pytest.raises(MissingColumnsError, match=r"with_lookup_need needs .*ingested_at"):
        identity.transform(with_lookup_need(WINDOW, FUTURE, datetime(2026, 1, 1, tzinfo=UTC)))
    with pytest.raises(MissingColumnsError, match=r"with_own_position needs .*needs_lookup"):
        identity.transform(with_own_position)


def _empty(spark: SparkSession, schema: str) -> DataFrame:
    return spark.createDataFrame([], schema)
