"""Joins between a few rows and a table that is much larger."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.dataframes import joins
from jobs.dataframes.joins import (
    broadcast_if_small,
    candidates_by_hash,
    only_hashes,
    semi_join_on_hash,
)

SCHEMA = "uuid string, time bigint"


@pytest.fixture
def table(spark: SparkSession) -> DataFrame:
    rows = [("a", 1), ("b", 1), ("c", 3), (None, 4)]
    return spark.createDataFrame(rows, SCHEMA)


def is_broadcast(frame: DataFrame) -> bool:
    """True if the plan of `frame` has the hint."""
    return "ResolvedHint (strategy=broadcast)" in frame._jdf.queryExecution().analyzed().toString()


def test_only_small_frames_are_broadcast(table: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller knows the number of rows, so nothing is counted."""
    monkeypatch.setattr(joins, "_BROADCAST_ROWS", 4)
    assert is_broadcast(broadcast_if_small(table, 4))
    assert not is_broadcast(broadcast_if_small(table, 5))


@pytest.mark.parametrize("limit", [0, 100], ids=["shuffled", "broadcast"])
def test_rows_whose_key_is_in_the_table_are_found(
    spark: SparkSession, table: DataFrame, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """All columns of the key must be equal, and a null equals nothing."""
    monkeypatch.setattr(joins, "_BROADCAST_HASHES", limit)
    rows = spark.createDataFrame([("a", 1), ("a", 2), ("c", 3), (None, 4), ("z", 9)], SCHEMA)
    found = semi_join_on_hash(rows, table, ("uuid", "time"))
    assert sorted(map(tuple, found.collect())) == [("a", 1), ("c", 3)]


def test_candidates_are_the_rows_of_the_table_with_an_equal_hash(
    spark: SparkSession, table: DataFrame
) -> None:
    """A null has a hash too, so the caller compares the values again."""
    rows = spark.createDataFrame([("b", 1), (None, 4)], SCHEMA)
    found = candidates_by_hash(table, rows, ("uuid", "time"))
    assert sorted(row["time"] for row in found.collect()) == [1, 4]


def test_rows_are_not_read_if_there_are_no_hashes(spark: SparkSession, table: DataFrame) -> None:
    """Most tables have no duplicates to look for."""
    unreadable = table.withColumn("time", F.raise_error(F.lit("read")).cast("bigint"))
    hashes = spark.createDataFrame([], "hash bigint")
    assert only_hashes(unreadable, F.xxhash64("uuid", "time"), hashes).collect() == []
