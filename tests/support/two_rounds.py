"""Records of two rounds, the second with twins of the first, and what the tables hold then."""

import time

from pyspark.sql import SparkSession

from tests.support.small_lake import SmallLake, event

NOW = int(time.time())
_LATE = NOW - 9 * 3600

BEFORE = (event("a", NOW), event("late", _LATE), b"not json")
AFTER = (event("a", NOW), event("late", _LATE), event("b", NOW), b"nor this")


def assert_exact(lake: SmallLake) -> None:
    """Each event once, each rejected record once."""
    assert lake.stored() == ["a", "b", "late"]
    rejected = lake.quarantine().select("data", "reasons").collect()
    held = sorted((bytes(row["data"]), row["reasons"]) for row in rejected)
    assert held == [(b"nor this", ["not_json"]), (b"not json", ["not_json"])]


def forget_tables(spark: SparkSession) -> None:
    """A process of its own would not remember a table that was deleted since."""
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
