"""Every commit stores times as INT64, whatever session it is made with."""

from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.config import Checks, Events
from jobs.lake import WriterFence
from jobs.lake.append import Transaction, append
from jobs.lake.tables import Table
from jobs.rebuild import Partitions, rebuild
from tests.support.parquet_files import time_types, writing_int96
from tests.support.small_lake import SmallLake, event, settings_in

INT96 = "spark.sql.parquet.outputTimestampType", "INT96"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_session_with_the_default_of_spark_appends_int64(
    spark: SparkSession, tmp_path: Path
) -> None:
    """It is a library user's session, or the one that `foreachBatch` gives to a sink."""
    plain = spark.newSession()
    plain.conf.set(*INT96)
    table = Table(f"{tmp_path}/table", "number int, at timestamp", (), ("number",))
    table.create(plain)
    rows = plain.createDataFrame([(1, NOON)], table.schema)
    rows.write.format("delta").mode("append").save(table.path)
    assert time_types(spark, table) == {"INT96"}

    table.read(plain).limit(0).write.format("delta").mode("overwrite").save(table.path)

    append(rows, table, Transaction("app", 1))
    assert time_types(spark, table) == {"INT64"}
    plain.conf.set(*INT96)
    WriterFence(plain, [table], "process").append(rows, table, batch=0)
    assert table.read(spark).count() == 2
    assert time_types(spark, table) == {"INT64"}


def test_a_rebuild_stores_int64_in_both_tables(spark: SparkSession, tmp_path: Path) -> None:
    """It changes one event, and moves another one to quarantine."""
    lake = SmallLake(spark, settings_in(tmp_path))
    at = int(NOON.timestamp())
    lake.put(event("a", at, "lesson:quiz:started"), event("b", at, "Lesson"), b"not json")
    lake.process()
    present = lake.by_other_rules(
        events=Events(subtype="rest"), checks=Checks(event_name_pattern="[a-z:]+")
    )
    with writing_int96(spark):
        day = date(2026, 1, 1)
        found = rebuild(spark, present.settings, present.tables, Partitions(day, day))
        assert (found.changed, found.rejected) == (1, 1)

    assert time_types(spark, lake.tables.events) == {"INT64"}
    assert time_types(spark, lake.tables.quarantine) == {"INT64"}
