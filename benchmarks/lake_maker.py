"""A lake of any size, written straight into its tables, as the pipeline would leave them.

Raw has 5% twins and 1% of records that are no JSON; events and quarantine have what must become
of them. 100 names over 30 days; a file of events for each name and date, ordered by `created_at`.
What a record says follows from its number alone, so that another run can make twins of it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.processing import EVENT_NAMES, FILES_A_BATCH, as_uuid, settings_in
from jobs import pipeline
from jobs.lake.tables import Table, Tables, tables
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME

DAYS = 30
ROWS_PER_FILE = 1_000_000
# Fresh events are of the last minute, so that they are fresh in a later batch as well.
FRESH_MS = 60_000

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
    def tables(self) -> Tables:
        return tables(settings_in(self.folder).lake)

    @property
    def twins(self) -> int:
        return len(range(_TWIN, self.rows, _ONE_TWIN_IN))

    @property
    def rejected(self) -> int:
        return len(range(_REJECTED, self.rows, _ONE_REJECTED_IN))

    @property
    def stored(self) -> int:
        return self.rows - self.twins - self.rejected

    def created_ms(self, number: Column) -> Column:
        """When the event of record `number` was created: evenly over the days."""
        return F.lit(self._first_ms) + F.floor(number * F.lit(DAYS * _DAY_MS / self.rows))

    def some_ms(self, seed: Column) -> Column:
        """Any millisecond of the days, by the hash of `seed`."""
        return F.lit(self._first_ms) + F.pmod(F.xxhash64(seed), F.lit(DAYS * _DAY_MS))

    @property
    def _first_ms(self) -> int:
        return (self.first_day - _EPOCH).days * _DAY_MS


@contextmanager
def lakes_folder(given: str | None) -> Iterator[str]:
    """The folder that the user gave, which stays; else one that goes."""
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        yield folder


def lake_of(spark: SparkSession, lakes: str, rows: int, *, events_alone: bool = False) -> MadeLake:
    """The lake of so many rows below the folder `lakes`, made unless it is there already.

    With `events_alone` raw and quarantine stay empty: that takes less time and half of the disk.
    """
    folder = Path(lakes, f"{rows}-events" if events_alone else str(rows))
    note = folder / _NOTE
    if note.exists():
        return MadeLake(str(folder), rows, date.fromisoformat(json.loads(note.read_text())))
    if folder.exists():
        raise SystemExit(f"{folder} was not made to its end: remove it, and it will be made anew")
    # Up to the end of the day before yesterday: just after midnight, yesterday is still fresh.
    made = MadeLake(str(folder), rows, datetime.now(UTC).date() - timedelta(days=DAYS + 1))
    made.tables.create(spark)
    _fill(spark, made, events_alone)
    note.write_text(json.dumps(made.first_day.isoformat()))
    return made


def with_event(records: DataFrame, created_ms: Column) -> DataFrame:
    """What record `number` says, in about 165 bytes of JSON.

    Columns in:   number: bigint, and what `created_ms` needs
    Columns out:  + event_uuid, event_name: string; created_ms: bigint; data: binary
    """
    names = F.array(*map(F.lit, EVENT_NAMES))
    user = F.pmod(F.xxhash64("number"), F.lit(1_000_000))
    members = {
        '{"event_uuid":"': F.col("event_uuid"),
        '","event_name":"': F.col("event_name"),
        '","created_at":': F.col("created_ms").cast("string"),
        ',"user_id":': user.cast("string"),
        ',"platform":"ios","app_version":"7.12.1","score":': (F.col("number") % 97).cast("string"),
    }
    parts = (part for text, value in members.items() for part in (F.lit(text), value))
    return records.withColumns(
        {
            "event_uuid": as_uuid(F.md5(F.col("number").cast("string"))),
            "event_name": F.get(names, F.pmod(F.xxhash64("number"), F.lit(100)).cast("int")),
            "created_ms": created_ms,
        }
    ).withColumn("data", F.concat(*parts, F.lit("}")).cast("binary"))


def as_delivered(records: DataFrame, arrived_ms: Column) -> DataFrame:
    """Put records on the stream, from which they are read some seconds later.

    Columns in:   id: bigint, the place on the stream; event_uuid: string
    Columns out:  + those that raw has beside data
    """
    ingested = F.timestamp_millis(arrived_ms + 5_000)
    return records.withColumns(
        {
            "partition_key": F.col("event_uuid"),
            "shard_id": F.format_string("shardId-%012d", F.col("id") % 4),
            "sequence_number": F.concat(
                F.lit("4968047368234532943611158922"), F.lpad(F.col("id").cast("string"), 28, "0")
            ),
            "sub_sequence_number": F.lit(0),
            "arrived_at": F.timestamp_millis(arrived_ms),
            "ingested_at": ingested,
            "ingest_date": F.to_date(ingested),
            "attempt": F.lit(0),
        }
    )


def append(rows: DataFrame, table: Table) -> None:
    """Append the columns that `table` has, in one commit."""
    schema = rows.sparkSession.createDataFrame([], table.schema).schema
    rows.select(*schema.names).to(schema).write.format("delta").mode("append").save(table.path)


def put_fresh(spark: SparkSession, raw: Table, first: int, records: int, batches: int) -> None:
    """Append events of the last minute, numbered from `first` on, for so many batches."""
    now_ms = F.unix_millis(F.current_timestamp())
    ids = spark.range(first, first + records, 1, batches * FILES_A_BATCH)
    told = with_event(ids.withColumn("number", F.col("id")), now_ms - F.col("id") % FRESH_MS)
    append(as_delivered(told, now_ms), raw)


def _fill(spark: SparkSession, made: MadeLake, events_alone: bool) -> None:
    is_twin = F.col("id") % _ONE_TWIN_IN == _TWIN
    is_rejected = F.col("id") % _ONE_REJECTED_IN == _REJECTED
    number = F.when(is_twin, F.col("id") - _TWIN).otherwise(F.col("id"))
    data = F.col("data")

    def records(files_a_day: int) -> DataFrame:
        ids = spark.range(0, made.rows, 1, DAYS * files_a_day).withColumn("number", number)
        told = with_event(ids, made.created_ms(F.col("number")))
        broken = told.withColumn(
            "data", F.when(is_rejected, F.substring(data, 1, _CUT_AT_BYTES)).otherwise(data)
        )
        return as_delivered(broken, made.created_ms(F.col("id")) + 1_000)

    processed = records(1).withColumn("processed_at", F.col("ingested_at"))
    events = (
        processed.where(~is_rejected & ~is_twin)
        .withColumn(CREATED_AT, F.timestamp_millis("created_ms"))
        .withColumn(EVENT_DATE, F.to_date(CREATED_AT))
        .withColumn("is_late", F.lit(False))
        .transform(pipeline.events(settings_in(made.folder)))
    )
    append(events.sortWithinPartitions(EVENT_NAME, EVENT_DATE, CREATED_AT), made.tables.events)
    if events_alone:
        return
    append(records(-(-made.rows // (DAYS * ROWS_PER_FILE))), made.tables.raw)
    unread = (F.lit(None).alias(name) for name in ("event_uuid", "event_name", "created_at"))
    quarantine = (
        processed.where(is_rejected)
        .drop("event_uuid", "event_name")
        .select(
            "*", *unread, F.lit(None).alias("detail"), F.array(F.lit("not_json")).alias("reasons")
        )
    )
    append(quarantine, made.tables.quarantine)
