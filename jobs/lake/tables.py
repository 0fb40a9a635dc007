"""The three tables of the lake: their paths, schemas and partitions, and how they are created.

{lake.raw}/records              every record, byte for byte, by ingest_date
{lake.processed}/events         every event once, by event_name and event_date
{lake.processed}/quarantine     every record that cannot become an event, by ingest_date
"""

from dataclasses import dataclass

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from jobs.config import Lake
from jobs.errors import ConfigError, LakeError
from jobs.runtime import translate_spark_error
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
    RECORD_INDEX,
)
from transforms.enrichment import Field
from transforms.unpacking import with_record_index

# A property of the events table. Tables of earlier versions have none, and no canonical UUIDs.
_CANONICAL_UUID = "event_lake.canonical_uuid"


@dataclass(frozen=True)
class Table:
    """A Delta table at a path.

    canonical_uuid: whether its events have their UUIDs in the canonical form; None if it has none
    """

    path: str
    schema: str
    partitioned_by: tuple[str, ...]
    statistics_on: tuple[str, ...]
    canonical_uuid: bool | None = None

    def read(self, spark: SparkSession, version: int | None = None) -> DataFrame:
        """Read the newest version of the table, or `version`.

        Rows of earlier versions get a `record_index`.

        Raises:
            LakeError: there is no table at the path.
        """
        self.require(spark)
        reader = spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(self.path)
        return rows.transform(with_record_index) if RECORD_INDEX in self.schema else rows

    def exists(self, spark: SparkSession) -> bool:
        """True if there is a Delta table at the path."""
        return DeltaTable.isDeltaTable(spark, self.path)

    def require(self, spark: SparkSession) -> None:
        """Raise LakeError if there is no table at the path."""
        if not self.exists(spark):
            raise LakeError(f"no table at {self.path}. Run `stream` or `ingest` on this lake first")

    def create(self, spark: SparkSession) -> None:
        """Create the table if it does not exist, and add the columns that it lacks.

        Only features of the oldest Delta protocol are used, because the readers of other engines
        support no more. The table is created before the first append: two writers that append to
        an empty path would conflict over the first commit.

        Raises:
            LakeError: the path cannot be written, or an existing column has another type.
            ConfigError: the table was created with the other value of `canonical_uuid`.
        """
        builder = (
            DeltaTable.createIfNotExists(spark)
            .location(self.path)
            .addColumns(self._required_schema(spark))
            .partitionedBy(*self.partitioned_by)
            .property("delta.dataSkippingStatsColumns", ",".join(self.statistics_on))
            .property("delta.enableDeletionVectors", "false")
        )
        if self.canonical_uuid is not None:
            builder = builder.property(_CANONICAL_UUID, str(self.canonical_uuid).lower())
        try:
            builder.execute()
            self._require_same_identities(spark)
            for column in self.missing_columns(spark):
                kind = column.dataType.simpleString()
                spark.sql(f"ALTER TABLE delta.`{self.path}` ADD COLUMNS (`{column.name}` {kind})")
        except (PySparkException, Py4JJavaError) as error:
            context = f"the table at {self.path} cannot be created: "
            raise translate_spark_error(error, context, otherwise=LakeError) from error

    def _require_same_identities(self, spark: SparkSession) -> None:
        if self.canonical_uuid is None:
            return
        [detail] = DeltaTable.forPath(spark, self.path).detail().collect()
        created_with = detail["properties"].get(_CANONICAL_UUID, "false")
        wanted = str(self.canonical_uuid).lower()
        if created_with != wanted:
            raise ConfigError(
                f"once.canonical_uuid is {wanted}, but {self.path} was created with "
                f"{created_with}: its events have other identities, so their duplicates would not "
                f"be found. Set it to {created_with}, or begin a new lake"
            )

    def missing_columns(self, spark: SparkSession) -> list[StructField]:
        """The columns of the required schema that the table lacks.

        Raises:
            LakeError: an existing column has another type.
        """
        self.require(spark)
        present = spark.read.format("delta").load(self.path).schema
        missing = []
        for column in self._required_schema(spark):
            if column.name not in present.names:
                missing.append(column)
            elif present[column.name].dataType != column.dataType:
                raise LakeError(
                    f"column {column.name} of {self.path}: expected type "
                    f"{column.dataType.simpleString()}, found "
                    f"{present[column.name].dataType.simpleString()}. A column keeps its type: "
                    "give the field another name"
                )
        return missing

    def _required_schema(self, spark: SparkSession) -> StructType:
        return spark.createDataFrame([], self.schema).schema


@dataclass(frozen=True)
class Tables:
    """The tables of one lake."""

    raw: Table
    events: Table
    quarantine: Table

    def create(self, spark: SparkSession) -> None:
        """Create each table if it does not exist."""
        for table in (self.raw, self.events, self.quarantine):
            table.create(spark)


def tables_of(
    lake: Lake, fields: tuple[Field, ...] = (), *, canonical_uuid: bool = False
) -> Tables:
    """The tables of `lake`; `fields` become columns of events."""
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
            canonical_uuid=canonical_uuid,
        ),
        quarantine=Table(
            path=f"{lake.processed.rstrip('/')}/quarantine",
            schema=QUARANTINE_SCHEMA,
            partitioned_by=(INGEST_DATE,),
            statistics_on=(INGESTED_AT, PROCESSED_AT),
        ),
    )
