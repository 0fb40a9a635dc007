"""The tables of the lake: where they stand and how they are made.

{lake.raw}/records              every record as it came, by ingest_date
{lake.processed}/events         every event once, by event_name and event_date
{lake.processed}/quarantine     every record that could not become an event, by ingest_date
"""

from dataclasses import dataclass

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from jobs.errors import LakeError
from jobs.runtime.spark_errors import explain
from jobs.config.settings import Lake
from transforms.columns import (
    ARRIVED_AT,
    ATTEMPT,
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    EVENT_SCHEMA,
    INGEST_DATE,
    INGESTED_AT,
    PROCESSED_AT,
    QUARANTINE_SCHEMA,
    RAW_SCHEMA,
)
from transforms.enrichment.promoted_fields import Field


@dataclass(frozen=True)
class Table:
    """A Delta table by its path."""

    path: str
    schema: str
    partitioned_by: tuple[str, ...]
    statistics_on: tuple[str, ...]

    def read(self, spark: SparkSession, version: int | None = None) -> DataFrame:
        """The table as it is now, or as it was at `version`.

        Raises:
            LakeError: when there is no table at the path.
        """
        self.require(spark)
        reader = spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.path)

    def exists(self, spark: SparkSession) -> bool:
        """True where a Delta table stands at the path."""
        return DeltaTable.isDeltaTable(spark, self.path)

    def require(self, spark: SparkSession) -> None:
        """Raise LakeError unless the table is there."""
        if not self.exists(spark):
            raise LakeError(f"no table at {self.path}: has `ingest` or `stream` run on this lake?")

    def create(self, spark: SparkSession) -> None:
        """Make the table where it is not there yet, and add columns that it lacks.

        Readers of other engines follow only the oldest protocol, so no newer feature is on.
        Two writers that append to an empty path would conflict over the first commit; a table
        that is made up front has none.

        Raises:
            LakeError: when the place cannot be written, or a column there is of another type.
        """
        try:
            (
                DeltaTable.createIfNotExists(spark)
                .location(self.path)
                .addColumns(self._wanted(spark))
                .partitionedBy(*self.partitioned_by)
                .property("delta.dataSkippingStatsColumns", ",".join(self.statistics_on))
                .property("delta.enableDeletionVectors", "false")
                .execute()
            )
            for column in self.lacking(spark):
                kind = column.dataType.simpleString()
                spark.sql(f"ALTER TABLE delta.`{self.path}` ADD COLUMNS (`{column.name}` {kind})")
        except (PySparkException, Py4JJavaError) as error:
            doing = f"the table at {self.path} cannot be made: "
            raise explain(error, doing, otherwise=LakeError) from error

    def lacking(self, spark: SparkSession) -> list[StructField]:
        """The columns that the table is to have, but has not.

        Raises:
            LakeError: a column that is there is of another type.
        """
        present = self.read(spark).schema
        lacking = []
        for column in self._wanted(spark):
            if column.name not in present.names:
                lacking.append(column)
            elif present[column.name].dataType != column.dataType:
                raise LakeError(
                    f"column {column.name} of {self.path} is to be "
                    f"{column.dataType.simpleString()}, but is "
                    f"{present[column.name].dataType.simpleString()}: give the field another name"
                )
        return lacking

    def _wanted(self, spark: SparkSession) -> StructType:
        return spark.createDataFrame([], self.schema).schema


@dataclass(frozen=True)
class Tables:
    """The tables of one lake."""

    raw: Table
    events: Table
    quarantine: Table

    def create(self, spark: SparkSession) -> None:
        """Make all three where they are not there yet."""
        for table in (self.raw, self.events, self.quarantine):
            table.create(spark)


def tables(lake: Lake, fields: tuple[Field, ...] = ()) -> Tables:
    """The tables of `lake`, with `fields` as promoted columns of events."""
    promoted = "".join(f", {field.name} {field.type}" for field in fields)
    return Tables(
        raw=Table(
            path=f"{lake.raw.rstrip('/')}/records",
            schema=RAW_SCHEMA,
            partitioned_by=(INGEST_DATE,),
            statistics_on=(INGESTED_AT, ARRIVED_AT, ATTEMPT),
        ),
        events=Table(
            path=f"{lake.processed.rstrip('/')}/events",
            schema=EVENT_SCHEMA + promoted,
            partitioned_by=(EVENT_NAME, EVENT_DATE),
            statistics_on=(CREATED_AT, INGESTED_AT, PROCESSED_AT),
        ),
        quarantine=Table(
            path=f"{lake.processed.rstrip('/')}/quarantine",
            schema=QUARANTINE_SCHEMA,
            partitioned_by=(INGEST_DATE,),
            statistics_on=(INGESTED_AT, PROCESSED_AT),
        ),
    )
