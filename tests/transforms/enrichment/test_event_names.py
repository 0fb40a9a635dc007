"""The type and the subtype of an event are parts of its name."""

from typing import cast

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.enrichment.event_names import Subtype, with_event_parts
from transforms.errors import InvalidSettingError, MissingColumnsError

SCHEMA = "event_name string, event_type string, event_subtype string"


def test_the_second_part_is_the_subtype(spark: SparkSession) -> None:
    """Everything after the second part is in neither column."""
    expected = spark.createDataFrame(
        [
            ("lesson:started", "lesson", "started"),
            ("lesson:quiz:started", "lesson", "quiz"),
            ("a:b:c:d", "a", "b"),
            ("login", "login", None),
            ("a.b-c_d:e.f", "a.b-c_d", "e.f"),
            (None, None, None),
        ],
        SCHEMA,
    )

    actual = expected.select("event_name").transform(with_event_parts())

    assert_df_equality(actual, expected)


def test_everything_after_the_first_part_can_be_the_subtype(spark: SparkSession) -> None:
    expected = spark.createDataFrame(
        [
            ("lesson:started", "lesson", "started"),
            ("lesson:quiz:started", "lesson", "quiz:started"),
            ("a:b:c:d", "a", "b:c:d"),
            ("login", "login", None),
            (None, None, None),
        ],
        SCHEMA,
    )

    actual = expected.select("event_name").transform(with_event_parts("rest"))

    assert_df_equality(actual, expected)


def test_an_invalid_subtype_or_frame_is_rejected(spark: SparkSession) -> None:
    """The error names the valid values, or the missing column."""
    with pytest.raises(InvalidSettingError, match=r"one of \['second_part', 'rest'\]"):
        with_event_parts(cast(Subtype, "third_part"))
    with pytest.raises(MissingColumnsError, match="event_name"):
        spark.range(1).transform(with_event_parts())
