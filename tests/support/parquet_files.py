"""The Parquet files of a table: how their times are stored, and files as earlier versions wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.lake import Table

_OUTPUT_TYPE = "spark.sql.parquet.outputTimestampType"


@contextmanager
def writing_int96(spark: SparkSession) -> Iterator[None]:
    """Give the session Spark's default in the block, as that of a library user has."""
    before = str(spark.conf.get(_OUTPUT_TYPE))
    spark.conf.set(_OUTPUT_TYPE, "INT96")
    try:
        yield
    finally:
        spark.conf.set(_OUTPUT_TYPE, before)


def rewrite_as_int96(spark: SparkSession, table: Table, rows_per_file: int = 0) -> None:
    """Rewrite the table with INT96 times, as an earlier version wrote it, in a commit of its own.

    Each partition gets one file, or files of up to `rows_per_file` rows.
    """
    rows = table.read(spark)
    with writing_int96(spark):
        rows.coalesce(1).write.format("delta").mode("overwrite").option(
            "dataChange", "false"
        ).option("maxRecordsPerFile", rows_per_file).save(table.path)


def time_types(spark: SparkSession, table: Table) -> set[str]:
    """The physical types of the times in the files of the newest version: INT64, INT96."""
    files = DeltaTable.forPath(spark, table.path).toDF().inputFiles()
    return {
        column.physical_type
        for file in files
        for column in _columns(Path(file.removeprefix("file:")))
        if column.physical_type == "INT96" or "Timestamp" in str(column.logical_type)
    }


def _columns(file: Path) -> list[pq.ColumnSchema]:
    schema = pq.ParquetFile(file).schema
    return [schema.column(index) for index in range(len(schema))]
