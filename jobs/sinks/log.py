"""What the log of a Delta table tells, without opening a data file."""

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.lake import Table
from transforms.columns import EVENT_NAME


def stored_names(spark: SparkSession, events: Table) -> set[str]:
    """The names that `events` holds, in its log as it was last read."""
    files = DataFrame(_snapshot(spark, events).allFiles().toDF(), spark)
    names = files.select(f"partitionValues.{EVENT_NAME}").distinct().collect()
    return {row[0] for row in names}


def last_batch(spark: SparkSession, table: Table, application: str) -> int | None:
    """The number of the application's last commit to `table`, in its log as it was last read."""
    last = _snapshot(spark, table).transactions().get(application)
    return int(last.get()) if last.isDefined() else None


def table_id(spark: SparkSession, table: Table) -> str:
    """What Delta calls the table: another one where it was deleted and made anew."""
    table.read(spark)  # reads the log anew
    return str(_snapshot(spark, table).metadata().id())


def _snapshot(spark: SparkSession, table: Table) -> Any:
    log = spark._jvm.org.apache.spark.sql.delta.DeltaLog  # type: ignore[union-attr]
    return log.forTable(spark._jsparkSession, table.path).unsafeVolatileSnapshot()
