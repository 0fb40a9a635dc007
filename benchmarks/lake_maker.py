"""A lake of any size, written straight into its tables, as the pipeline would leave them.

Raw has 5% twins and 1% of records that are no JSON; events and quarantine have what must become
of them. 100 names over 30 days; a file of events for each name and date, ordered by `created_at`.
What a record says follows from its number alone, so that another run can make twins of it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from benchmarks.processing import EVENT_NAMES, as_uuid, settings_in
from jobs import pipeline
from jobs.lake import Table, Tables, tables
from jobs.settings import Settings
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME, QUARANTINE_SCHEMA, RAW_SCHEMA

DAYS = 30
ROWS_PER_FILE = 1_000_000

# Record 7, 27, 47, … is the twin of record 0, 20, 40, …; record 3, 103, 203, … is cut off.
_ONE_TWIN_IN, _TWIN = 20, 7
_ONE_REJECTED_IN, _REJECTED = 100, 3
_CUT_AT_BYTES = 60

_DAY_MS = 86_400_000
_NOTE = "made.json"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class MadeLake:
    """A lake of `rows` raw records, whose events were created on the 30 days from `first_day`."""

    folder: str
    rows: int
    first_day: date

    @property
    def settings(self) -> Settings:
        return settings_in(self.folder)

    @property
    def tables(self) -> Tables:
        return tables(self.settings.lake)

    @property
    def twins(self) -> int:
        return len(range(_TWIN, self.rows, _ONE_TWIN_IN))

    @property
    def rejected(self) -> int:
        return len(range(_REJECTED, self.rows, _ONE_REJECTED_IN))

    def with_event(self, records: DataFrame) -> DataFrame:
        """Say what record `number`: bigint tells: event_uuid, event_name, created_ms."""
        step = DAYS * _DAY_MS / self.rows
        first_ms = (self.first_day - _EPOCH).days * _DAY_MS
        names = F.array(*map(F.lit, EVENT_NAMES))
        number = F.col("number")
        return records.withColumns(
            {
                "event_uuid": as_uuid(F.md5(number.cast("string"))),
                "event_name": F.get(names, F.pmod(F.xxhash64("number"), F.lit(100)).cast("int")),
                "created_ms": F.lit(first_ms) + F.floor(number * F.lit(step)),
            }
        )


def lake_of(spark: SparkSession, folder: str, rows: int) -> MadeLake:
    """The lake in `folder`, made unless it is there already."""
    note = Path(folder, _NOTE)
    if note.exists():
        noted = json.loads(note.read_text())
        if noted["rows"] != rows:
            raise SystemExit(f"the lake in {folder} has {noted['rows']:,} rows, not {rows:,}")
        return MadeLake(folder, rows, date.fromisoformat(noted["first_day"]))
    made = MadeLake(folder, rows, datetime.now(UTC).date() - timedelta(days=DAYS))
    made.tables.create(spark)
    _fill(spark, made)
    note.write_text(json.dumps({"rows": rows, "first_day": made.first_day.isoformat()}))
    return made


def body() -> Column:
    """The JSON of the record that `MadeLake.with_event` told: about 170 bytes."""
    user = F.pmod(F.xxhash64("number"), F.lit(1_000_000))
    return F.format_string(
        '{"event_uuid":"%s","event_name":"%s","created_at":%d,"user_id":%d,"platform":"ios",'
        '"app_version":"7.12.1","score":%d}',
        *("event_uuid", "event_name", "created_ms"),
        user,
        F.col("number") % 97,
    )


def _fill(spark: SparkSession, made: MadeLake) -> None:
    twin = F.col("id") % _ONE_TWIN_IN == _TWIN
    rejected = F.col("id") % _ONE_REJECTED_IN == _REJECTED
    number = F.when(twin, F.col("id") - _TWIN).otherwise(F.col("id"))
    whole = body().cast("binary")
    a_day = made.rows // DAYS

    def records(files_a_day: int) -> DataFrame:
        ids = spark.range(0, made.rows, 1, DAYS * files_a_day).withColumn("number", number)
        told = made.with_event(ids).withColumn(
            "data", F.when(rejected, F.substring(whole, 1, _CUT_AT_BYTES)).otherwise(whole)
        )
        return told.transform(_as_delivered)

    _append(records(-(-a_day // ROWS_PER_FILE)).select(*_names(RAW_SCHEMA)), made.tables.raw)
    processed = records(1).withColumn("processed_at", F.col("ingested_at"))
    events = (
        processed.where(~rejected & ~twin)
        .withColumn(CREATED_AT, F.timestamp_millis("created_ms"))
        .withColumn(EVENT_DATE, F.to_date(CREATED_AT))
        .withColumn("is_late", F.lit(False))
        .transform(pipeline.events(made.settings))
    )
    _append(events.sortWithinPartitions(EVENT_NAME, EVENT_DATE, CREATED_AT), made.tables.events)
    unread = {name: F.lit(None) for name in ("event_uuid", "event_name", "created_at", "detail")}
    quarantine = processed.where(rejected).withColumns(
        unread | {"reasons": F.array(F.lit("not_json"))}
    )
    _append(quarantine.select(*_names(QUARANTINE_SCHEMA)), made.tables.quarantine)


def _as_delivered(records: DataFrame) -> DataFrame:
    """Sent when it was created; read some seconds later."""
    arrived = F.timestamp_millis(F.col("created_ms") + 1_000)
    ingested = F.timestamp_millis(F.col("created_ms") + 5_000)
    return records.withColumns(
        {
            "partition_key": F.col("event_uuid"),
            "shard_id": F.format_string("shardId-%012d", F.col("id") % 4),
            "sequence_number": F.format_string("4968047368234532943611158922%028d", F.col("id")),
            "sub_sequence_number": F.lit(0),
            "arrived_at": arrived,
            "ingested_at": ingested,
            "ingest_date": F.to_date(ingested),
            "attempt": F.lit(0),
        }
    )


def _append(rows: DataFrame, table: Table) -> None:
    rows.to(rows.sparkSession.createDataFrame([], table.schema).schema).write.format("delta").mode(
        "append"
    ).save(table.path)


def _names(schema: str) -> list[str]:
    return cast(StructType, StructType.fromDDL(schema)).names
