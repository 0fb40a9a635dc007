"""Measure how many events per second `process` stores, in the batches of a real run.

The input is a raw table of JSON records of about 320 bytes: 100 event names, 5% duplicates. The
first batch is cold: code is compiled, and files are opened for the first time. The others are warm.
"""

import argparse
import tempfile
from typing import get_args

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.local import local_session
from benchmarks.report import PeakMemory, surroundings, table
from jobs.config import Lake, Once, Process, Query, Settings, Source, StateStore
from jobs.lake import tables_of
from jobs.metrics import Batch
from jobs.streaming import Run
from transforms.columns import RAW_SCHEMA

_DOMAINS = [
    "account",
    "lesson",
    "payment",
    "user",
    "review",
    "cart",
    "page",
    "device",
    "course",
    "email",
]
_ACTIONS = [
    "created",
    "started",
    "completed",
    "failed",
    "viewed",
    "updated",
    "deleted",
    "opened",
    "closed",
    "sent",
]
EVENT_NAMES = tuple(f"{domain}:{action}" for domain in _DOMAINS for action in _ACTIONS)
FILES_PER_BATCH = 4


def settings_in(folder: str, state_store: StateStore = "rocksdb") -> Settings:
    """Default settings for a lake below `folder`, with `FILES_PER_BATCH` files in a batch."""
    return Settings(
        source=Source(stream="unused"),
        lake=Lake(
            raw=f"{folder}/raw",
            processed=f"{folder}/processed",
            checkpoints=f"{folder}/checkpoints",
        ),
        once=Once(state_store=state_store),
        process=Process(max_files_per_batch=FILES_PER_BATCH, max_bytes_per_batch="64g"),
    )


def raw_records(spark: SparkSession, count: int, files: int) -> DataFrame:
    """Return `count` new records in `files` files. One in twenty is a duplicate of another one."""
    number = F.when(F.col("id") % 20 == 7, F.col("id") - 7).otherwise(F.col("id"))
    digest = F.md5(F.col("number").cast("string"))
    now = F.current_timestamp()
    names = F.array(*map(F.lit, EVENT_NAMES))
    events = (
        spark.range(0, count, 1, files)
        .withColumn("number", number)
        .withColumn("digest", digest)
        .withColumn("event_uuid", as_uuid(F.col("digest")))
        .withColumn(
            "event_name", F.get(names, F.pmod(F.xxhash64("number"), F.lit(100)).cast("int"))
        )
        # Within the last five minutes: none is late.
        .withColumn("created_at", F.unix_timestamp(now) - F.col("number") % 300)
    )
    user = F.pmod(F.xxhash64("number"), F.lit(1_000_000))
    payload = F.struct(
        user.alias("user_id"),
        F.lit("en").alias("locale"),
        F.lit("ios").alias("platform"),
        F.lit("7.12.1").alias("app_version"),
        F.substring("digest", 1, 16).alias("device_id"),
        F.lit("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15").alias(
            "user_agent"
        ),
        (F.col("number") % 97).alias("score"),
    )
    body = F.to_json(F.struct("event_uuid", "event_name", "created_at", payload.alias("payload")))
    columns = {
        "data": body.cast("binary"),
        "partition_key": F.col("event_uuid"),
        "shard_id": F.format_string("shardId-%012d", F.col("id") % 4),
        "sequence_number": F.format_string("4968047368234532943611158922%028d", F.col("id")),
        "sub_sequence_number": F.lit(0),
        "arrived_at": now,
        "ingested_at": now,
        "ingest_date": F.to_date(now),
        "attempt": F.lit(0),
        "record_index": F.lit(-1),
    }
    frame = events.select(*(column.alias(name) for name, column in columns.items()))
    return frame.to(spark.createDataFrame([], RAW_SCHEMA).schema)


def as_uuid(digest: Column) -> Column:
    """32 hexadecimal digits -> `8-4-4-4-12` digits, the form of a UUID."""
    bounds = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    return F.concat_ws("-", *(F.substring(digest, start, length) for start, length in bounds))


def measure(
    events: int, events_per_batch: int, memory: str, state_store: StateStore
) -> list[tuple[str, str]]:
    """Run `process --once` over `events` records. Return the rows of the report."""
    with tempfile.TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        settings = settings_in(folder, state_store)
        spark = local_session(settings, memory)
        lake = tables_of(settings.lake)
        lake.create(spark)
        files = max(1, events // events_per_batch) * FILES_PER_BATCH
        raw_records(spark, events, files).write.format("delta").mode("append").save(lake.raw.path)

        batches: list[Batch] = []
        with PeakMemory() as peak:
            Run(settings, available_now=True, on_batch=batches.append).start([Query.PROCESS])
        stored = lake.events.read(spark)
        rows = report(batches, peak.gib, len(stored.inputFiles()))
        spark.stop()
        return rows


def report(batches: list[Batch], peak_gib: float, files: int) -> list[tuple[str, str]]:
    """The rows of the table that is printed."""
    cold, warm = batches[0], batches[1:]
    warm_rate = sum(each.records for each in warm) / sum(each.seconds for each in warm)
    seconds = ", ".join(f"{each.seconds:.1f}" for each in batches)
    return [
        ("raw to events, cold (first batch)", f"{cold.records / cold.seconds:,.0f} events/s"),
        ("raw to events, warm", f"{warm_rate:,.0f} events/s"),
        ("seconds of each batch", seconds),
        ("events and duplicates", f"{sum(each.records for each in batches):,} in {files:,} files"),
        ("peak memory", f"{peak_gib:.2f} GiB"),
    ]


def main() -> None:
    """`python -m benchmarks.processing`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000)
    parser.add_argument("--events-per-batch", type=int, default=1_000_000)
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    parser.add_argument("--state-store", choices=get_args(StateStore), default="rocksdb")
    given = parser.parse_args()
    rows = measure(given.events, given.events_per_batch, given.memory, given.state_store)
    print(f"Raw to events\n\n{table(('', 'measured'), rows)}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
