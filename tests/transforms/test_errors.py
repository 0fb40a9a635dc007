"""An error of a transform names its owner, what was expected and what was found."""

import pytest
from pyspark.sql import SparkSession

from transforms.errors import InvalidSettingError, MissingColumnsError, TransformError, require


def test_missing_columns_are_named_with_those_that_are_present(spark: SparkSession) -> None:
    """The columns that are there do not appear among the missing ones."""
    frame = spark.createDataFrame([], "event_uuid string, data binary")

    with pytest.raises(MissingColumnsError) as caught:
        require(frame, "data", "json", "fault", owner="with_reasons")

    assert caught.value.missing == ["json", "fault"]
    assert str(caught.value) == (
        "with_reasons needs column(s) ['json', 'fault'], "
        "but the frame has only ['event_uuid', 'data']"
    )


def test_a_frame_with_all_columns_is_accepted(spark: SparkSession) -> None:
    require(spark.createDataFrame([], "a int, b int"), "b", "a", owner="anything")


def test_an_invalid_setting_is_named_with_what_was_expected() -> None:
    error = InvalidSettingError("CheckLimits(max_record_bytes)", "at least 1", 0)

    assert str(error) == "CheckLimits(max_record_bytes): expected at least 1, got 0"


@pytest.mark.parametrize("error", [MissingColumnsError, InvalidSettingError])
def test_callers_can_catch_every_error_of_a_transform(error: type[Exception]) -> None:
    assert issubclass(error, TransformError)
