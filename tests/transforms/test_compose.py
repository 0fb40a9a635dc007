"""Composed transforms."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from transforms.compose import compose


def test_steps_are_applied_from_the_first_to_the_last(spark: SparkSession) -> None:
    """A later step sees what the earlier ones have added."""

    def with_double(rows: DataFrame) -> DataFrame:
        return rows.withColumn("double", F.col("id") * 2)

    def with_text(rows: DataFrame) -> DataFrame:
        return rows.withColumn("text", F.col("double").cast("string"))

    rows = spark.range(1, 3).transform(compose(with_double, with_text))

    assert [tuple(row) for row in rows.collect()] == [(1, 2, "2"), (2, 4, "4")]


def test_no_steps_change_nothing(spark: SparkSession) -> None:
    rows = spark.range(2)

    assert rows.transform(compose()) is rows
