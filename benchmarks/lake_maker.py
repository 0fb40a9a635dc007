"""Make a lake of any size by writing its tables directly, as the pipeline would write them.

Raw has 5% duplicates and 1% of records that are no JSON. Events and quarantine have the rows that
result from it. The events have 100 names over 30 days, with a file for each name and date, ordered
by `created_at`. The content of a record depends on its number alone, so another run can make
duplicates of it.
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

from benchmarks.processing import EVENT_NAMES, FILES_PER_BATCH, as_uuid, settings_in
from jobs import pipeline
from jobs.lake import Table, Tables, tables_of
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME

DAYS = 30
ROWS_PER_FILE = 1_000_000
# Fresh events are at most a minute old, so they are still fresh in a later batch.
FRESH_MS = 60_000

# Record 7, 27, 47, … is the duplicate of record 0, 20, 40, …; record 3, 103, 203, … is cut off.
_DUPLICATE_EVERY, _DUPLICATE = 20, 7
_REJECTED_EVERY, _REJECTED = 100, 3
_CUT_AT_BYTES = 60

_DAY_MS = 86_400_000
_NOTE = "made.json"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class MadeLake:
    """A lake of `rows` raw records, with events of the 30 days from `first_day` on."""

    folder: str
    rows: int
    first_day: date

    @property
    def tables(self) -> Tables:
        """Its tables."""
        return tables_of(settings_in(self.folder).lake)

    @property
    def duplicates(self) -> int:
        """The number of records that repeat an event."""
        return len(range(_DUPLICATE, self.rows, _DUPLICATE_EVERY))

    @property
    def rejected(self) -> int:
        """The number of rows in quarantine."""
        return len(range(_REJECTED, self.rows, _REJECTED_EVERY))

    @property
    def stored(self) -> int:
        """The number of events."""
        return self.rows - self.duplicates - self.rejected

    def created_ms(self, number: Column) -> Column:
        """The `created_at` of record `number`, in milliseconds: evenly over the days."""
        return F.lit(self._first_ms) + F.floor(number * F.lit(DAYS * _DAY_MS / self.rows))

    def some_ms(self, seed: Column) -> Column:
        """A millisecond of the days, by the hash of `seed`."""
        return F.lit(self._first_ms) + F.pmod(F.xxhash64(seed), F.lit(DAYS * _DAY_MS))

    @property
    def _first_ms(self) -> int:
        return (self.first_day - _EPOCH).days * _DAY_MS


@contextmanager
def lakes_folder(given: str | None) -> Iterator[str]:
    """Yield the folder `given`, which is kept, or else a temporary one."""
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        yield folder


def lake_of(spark: SparkSession, lakes: str, rows: int, *, events_alone: bool = False) -> MadeLake:
    """Return the lake of `rows` records below the folder `lakes`. Make it if it does not exist.

    With `events_alone` raw and quarantine stay empty, which takes less time and half of the disk.
    """
    folder = Path(lakes, f"{rows}-events" if events_alone else str(rows))
    note = folder / _NOTE
    if note.exists():
        return MadeLake(str(folder), rows, date.fromisoformat(json.loads(note.read_text())))
    if folder.exists():
        raise SystemExit(f"{folder} is incomplete. Remove it, and run the benchmark again")
    # Up to the end of the day before yesterday: just after midnight, yesterday may still be fresh.
    made = MadeLake(str(folder), rows, datetime.now(UTC).date() - timedelta(days=DAYS + 1))
    made.tables.create(spark)
    _fill(spark, made, events_alone)
    note.write_text(json.dumps(made.first_day.isoformat()))
    return made


def with_event(records: DataFrame, created_ms: Column) -> DataFrame:
    """Add the event of record `number`, in about 165 bytes of JSON.

    Columns in:   number: bigint; those that `created_ms` reads
    Columns out:  + event_uuid, event_name: string; created_ms: bigint (milliseconds since 1970);
                  data: binary
    Rows:         one out for each in
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
    """Add the columns of a record that arrived at `arrived_ms` and was ingested 5 s later.

    Columns in:   id: bigint, the place on the stream; event_uuid: string
    Columns out:  + those of RAW_SCHEMA except data
    Rows:         one out for each in
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
            "record_index": F.lit(-1),
        }
    )


def append(rows: DataFrame, table: Table) -> None:
    """Append the columns that `table` has, in one commit."""
    schema = rows.sparkSession.createDataFrame([], table.schema).schema
    rows.select(*schema.names).to(schema).write.format("delta").mode("append").save(table.path)


def put_fresh(spark: SparkSession, raw: Table, first: int, records: int, batches: int) -> None:
    """Append new events, numbered from `first` on, in the files of `batches` batches."""
    now_ms = F.unix_millis(F.current_timestamp())
    ids = spark.range(first, first + records, 1, batches * FILES_PER_BATCH)
    with_events = with_event(ids.withColumn("number", F.col("id")), now_ms - F.col("id") % FRESH_MS)
    append(as_delivered(with_events, now_ms), raw)


def _fill(spark: SparkSession, made: MadeLake, events_alone: bool) -> None:
    is_duplicate = F.col("id") % _DUPLICATE_EVERY == _DUPLICATE
    is_rejected = F.col("id") % _REJECTED_EVERY == _REJECTED
    number = F.when(is_duplicate, F.col("id") - _DUPLICATE).otherwise(F.col("id"))
    data = F.col("data")

    def records(files_a_day: int) -> DataFrame:
        ids = spark.range(0, made.rows, 1, DAYS * files_a_day).withColumn("number", number)
        with_events = with_event(ids, made.created_ms(F.col("number")))
        with_broken = with_events.withColumn(
            "data", F.when(is_rejected, F.substring(data, 1, _CUT_AT_BYTES)).otherwise(data)
        )
        return as_delivered(with_broken, made.created_ms(F.col("id")) + 1_000)

    processed = records(1).withColumn("processed_at", F.col("ingested_at"))
    events = (
        processed.where(~is_rejected & ~is_duplicate)
        .withColumn(CREATED_AT, F.timestamp_millis("created_ms"))
        .withColumn(EVENT_DATE, F.to_date(CREATED_AT))
        .withColumn("is_late", F.lit(False))
        .transform(pipeline.events(settings_in(made.folder)))
    )
    append(events.sortWithinPartitions(EVENT_NAME, EVENT_DATE, CREATED_AT), made.tables.events)
    if events_alone:
        return
    append(records(-(-made.rows // (DAYS * ROWS_PER_FILE))), made.tables.raw)
    unreadable = (F.lit(None).alias(name) for name in ("event_uuid", "event_name", "created_at"))
    quarantine = (
        processed.where(is_rejected)
        .drop("event_uuid", "event_name")
        .select(
            "*",
            *unreadable,
            F.lit(None).alias("detail"),
            F.array(F.lit("not_json")).alias("reasons"),
        )
    )
    append(quarantine, made.tables.quarantine)
