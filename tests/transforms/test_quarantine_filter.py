"""The rows of quarantine that a replay selects."""

from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.errors import MissingColumnsError
from transforms.quarantine_filter import QuarantineFilter, only_matching, without_replayed

POSITION = (
    "shard_id string, sequence_number string, sub_sequence_number bigint, attempt int, "
    "record_index int"
)


def test_a_filter_combines_reasons_names_and_dates(spark: SparkSession) -> None:
    """A row matches if it has one of the reasons, one of the names, and a date in the range, whose
    ends are inclusive. A filter without conditions matches every row."""
    rows = spark.createDataFrame(
        [
            (1, ["not_json"], None, date(2026, 1, 1)),
            (2, ["invalid_event_name"], "a b", date(2026, 1, 2)),
            (3, ["created_at_too_old", "invalid_event_name"], "a b", date(2026, 1, 3)),
            (4, ["created_at_too_old"], "a:b", date(2026, 1, 4)),
        ],
        "number int, reasons array<string>, event_name string, ingest_date date",
    )
    expected = {
        QuarantineFilter(): [1, 2, 3, 4],
        QuarantineFilter(reasons=("invalid_event_name",)): [2, 3],
        QuarantineFilter(reasons=("not_json", "created_at_too_old")): [1, 3, 4],
        QuarantineFilter(reasons=("invalid",)): [],
        QuarantineFilter(names=("a b",)): [2, 3],
        QuarantineFilter(names=("a b", "a:b")): [2, 3, 4],
        QuarantineFilter(first=date(2026, 1, 2)): [2, 3, 4],
        QuarantineFilter(last=date(2026, 1, 2)): [1, 2],
        QuarantineFilter(first=date(2026, 1, 2), last=date(2026, 1, 3)): [2, 3],
        QuarantineFilter(reasons=("created_at_too_old",), names=("a b",), last=date(2026, 1, 3)): [
            3
        ],
    }
    actual = {
        conditions: [row["number"] for row in rows.transform(only_matching(conditions)).collect()]
        for conditions in expected
    }
    assert actual == expected


def test_only_the_newest_attempt_of_a_record_is_selected_once(spark: SparkSession) -> None:
    """A later attempt may be in either table. A sub-record has attempts of its own."""
    schema = f"name string, {POSITION}"
    rejected = spark.createDataFrame(
        [
            ("never replayed", "s", "1", 0, 0, -1),
            ("never replayed", "s", "1", 0, 0, -1),
            ("in raw again", "s", "2", 0, 0, -1),
            ("first of two", "s", "3", 0, 0, -1),
            ("second of two", "s", "3", 0, 1, -1),
            ("raw is gone", "s", "4", 0, 0, -1),
            ("another sub-record", "s", "2", 1, 0, -1),
            ("another shard", "t", "2", 0, 0, -1),
            ("another event of its record", "s", "2", 0, 0, 1),
        ],
        schema,
    )
    raw = spark.createDataFrame(
        [("s", "1", 0, 0, -1), ("s", "2", 0, 0, -1), ("s", "2", 0, 2, -1), ("s", "3", 0, 1, -1)],
        POSITION,
    )
    quarantine = spark.createDataFrame([("s", "3", 0, 1, -1), ("s", "4", 0, 1, -1)], POSITION)
    actual = rejected.transform(without_replayed(raw, quarantine)).select(*rejected.columns)
    expected = spark.createDataFrame(
        [
            ("another event of its record", "s", "2", 0, 0, 1),
            ("another shard", "t", "2", 0, 0, -1),
            ("another sub-record", "s", "2", 1, 0, -1),
            ("never replayed", "s", "1", 0, 0, -1),
            ("second of two", "s", "3", 0, 1, -1),
        ],
        schema,
    )
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


def test_a_frame_without_its_columns_is_rejected(spark: SparkSession) -> None:
    """The error names the column, before any row is read."""
    rows = spark.createDataFrame([], POSITION)
    with pytest.raises(MissingColumnsError, match="event_name"):
        rows.transform(only_matching(QuarantineFilter()))
    with pytest.raises(MissingColumnsError, match="attempt"):
        without_replayed(rows, rows.drop("attempt"))
