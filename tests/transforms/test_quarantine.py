"""Which rows of quarantine a replay looks at."""

from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.errors import MissingColumnsError
from transforms.quarantine import Choice, only_chosen, without_replayed

POSITION = "shard_id string, sequence_number string, sub_sequence_number bigint, attempt int"


def test_a_choice_is_by_reason_name_and_date_together(spark: SparkSession) -> None:
    """Any of the reasons, any of the names, both dates included; without a choice, all."""
    rows = spark.createDataFrame(
        [
            (1, ["not_json"], None, date(2026, 1, 1)),
            (2, ["invalid_event_name"], "a b", date(2026, 1, 2)),
            (3, ["created_at_too_old", "invalid_event_name"], "a b", date(2026, 1, 3)),
            (4, ["created_at_too_old"], "a:b", date(2026, 1, 4)),
        ],
        "number int, reasons array<string>, event_name string, ingest_date date",
    )
    wanted = {
        Choice(): [1, 2, 3, 4],
        Choice(reasons=("invalid_event_name",)): [2, 3],
        Choice(reasons=("not_json", "created_at_too_old")): [1, 3, 4],
        Choice(reasons=("invalid",)): [],
        Choice(names=("a b",)): [2, 3],
        Choice(names=("a b", "a:b")): [2, 3, 4],
        Choice(first=date(2026, 1, 2)): [2, 3, 4],
        Choice(last=date(2026, 1, 2)): [1, 2],
        Choice(first=date(2026, 1, 2), last=date(2026, 1, 3)): [2, 3],
        Choice(reasons=("created_at_too_old",), names=("a b",), last=date(2026, 1, 3)): [3],
    }
    found = {
        choice: [row["number"] for row in rows.transform(only_chosen(choice)).collect()]
        for choice in wanted
    }
    assert found == wanted


def test_only_the_newest_attempt_of_a_record_is_left_once(spark: SparkSession) -> None:
    """Whichever table has a later one; a sub-record has attempts of its own."""
    schema = f"name string, {POSITION}"
    rejected = spark.createDataFrame(
        [
            ("never replayed", "s", "1", 0, 0),
            ("never replayed", "s", "1", 0, 0),
            ("in raw again", "s", "2", 0, 0),
            ("first of two", "s", "3", 0, 0),
            ("second of two", "s", "3", 0, 1),
            ("raw is gone", "s", "4", 0, 0),
            ("another sub-record", "s", "2", 1, 0),
            ("another shard", "t", "2", 0, 0),
        ],
        schema,
    )
    raw = spark.createDataFrame(
        [("s", "1", 0, 0), ("s", "2", 0, 0), ("s", "2", 0, 2), ("s", "3", 0, 1)], POSITION
    )
    quarantine = spark.createDataFrame([("s", "3", 0, 1), ("s", "4", 0, 1)], POSITION)
    actual = rejected.transform(without_replayed(raw, quarantine)).select(*rejected.columns)
    expected = spark.createDataFrame(
        [
            ("another shard", "t", "2", 0, 0),
            ("another sub-record", "s", "2", 1, 0),
            ("never replayed", "s", "1", 0, 0),
            ("second of two", "s", "3", 0, 1),
        ],
        schema,
    )
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


def test_a_frame_without_its_columns_is_refused(spark: SparkSession) -> None:
    """At once, and by name."""
    rows = spark.createDataFrame([], POSITION)
    with pytest.raises(MissingColumnsError, match="event_name"):
        rows.transform(only_chosen(Choice()))
    with pytest.raises(MissingColumnsError, match="attempt"):
        without_replayed(rows, rows.drop("attempt"))
