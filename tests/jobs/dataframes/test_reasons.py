"""Rejected rows by reason."""

from pyspark.sql import SparkSession

from jobs.dataframes.reasons import count_reasons


def test_a_row_counts_under_each_of_its_reasons(spark: SparkSession) -> None:
    """Accepted rows have none."""
    rows = [(["not_json"],), (["too_old", "no_name"],), (["no_name"],), ([],)]
    frame = spark.createDataFrame(rows, "reasons array<string>")
    assert count_reasons(frame) == {"not_json": 1, "too_old": 1, "no_name": 2}
    assert count_reasons(frame.where("false")) == {}
