"""Measure the cost of the window: state and batch time at 10 minutes, an hour and a day.

The state of `process` contains the identities of up to two windows. It is filled with as many as a
stream of a steady rate brings in that time. Then batches of ten seconds of that stream follow. For
comparison, a plain job does the same with `dropDuplicates` and a watermark of 24 h on `created_at`.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from benchmarks.lake_maker import put_fresh
from benchmarks.local import local_session
from benchmarks.processing import settings_in
from benchmarks.report import surroundings, table
from jobs import pipeline
from jobs.checkpoints import EPOCH
from jobs.config import Settings
from jobs.lake import Tables, tables_of
from jobs.streaming import read_raw, start_process
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME, IDENTITY
from transforms.compose import compose
from transforms.deduplication import is_accepted, with_clock
from transforms.table_rows import without_unstored_columns

_BATCH_SPAN = timedelta(seconds=10)
_FILL_ROWS = 1_000_000
_BATCHES = 6

Start = Callable[[SparkSession, Settings, Tables], StreamingQuery]


@dataclass(frozen=True)
class Job:
    """A way to store each event once, and how long its state remembers an identity."""

    name: str
    window: timedelta
    remembers: timedelta
    start: Start

    def keys(self, per_second: int) -> int:
        """The number of identities in its state, at a steady rate."""
        return int(self.remembers.total_seconds()) * per_second


def ours(window: timedelta) -> Job:
    """`process`, which looks up the events that its state may have forgotten."""

    def start(spark: SparkSession, settings: Settings, lake: Tables) -> StreamingQuery:
        longer = replace(settings, once=replace(settings.once, window=window))
        return start_process(spark, longer, lake, available_now=True, report=lambda counts: None)

    return Job("process", window, 2 * window, start)


def plain(window: timedelta) -> Job:
    """The same steps, but with a watermark on `created_at`, and without lookups."""

    def start(spark: SparkSession, settings: Settings, lake: Tables) -> StreamingQuery:
        to_rows = compose(
            with_clock(EPOCH), pipeline.parsed_and_validated(settings), without_unstored_columns
        )
        return (
            read_raw(spark, settings, lake)
            .transform(to_rows)
            .withWatermark(CREATED_AT, f"{window // timedelta(seconds=1)} seconds")
            .dropDuplicates(list(IDENTITY))
            # After the state. Otherwise Spark would push this filter, and a copy of every step that
            # it depends on, into the scan of raw, and check each record several times.
            .where(is_accepted())
            .transform(pipeline.events(settings))
            .repartition(EVENT_NAME, EVENT_DATE)
            .writeStream.format("delta")
            .option("checkpointLocation", f"{settings.lake.checkpoints}/plain")
            .trigger(availableNow=True)
            .start(lake.events.path)
        )

    return Job("plain", window, window, start)


def measure(spark: SparkSession, job: Job, per_second: int) -> tuple[str, ...]:
    """Fill the state of `job`, then run small batches. Return its row of the report."""
    keys, records = job.keys(per_second), per_second * (_BATCH_SPAN // timedelta(seconds=1))
    fills = -(-keys // _FILL_ROWS)
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        settings = settings_in(folder)
        lake = tables_of(settings.lake)
        lake.create(spark)
        put_fresh(spark, lake.raw, first=0, records=keys, batches=fills)
        put_fresh(spark, lake.raw, keys, records * _BATCHES, _BATCHES)
        query = job.start(spark, settings, lake)
        query.processAllAvailable()
        query.awaitTermination()
        progress = [dict(each) for each in query.recentProgress if each["numInputRows"]]
        stored = lake.events.read(spark).count()
    found, expected = (len(progress), stored), (fills + _BATCHES, keys + records * _BATCHES)
    if found != expected:
        raise SystemExit(f"{job.name}: (batches, events): expected {expected}, got {found}")
    small = progress[fills:]
    return (
        job.name,
        f"{job.window}",
        f"{keys:,}",
        f"{_state_megabytes(small[-1]):,.0f}",
        f"{median(each['durationMs']['triggerExecution'] for each in small) / 1000:.1f}",
    )


def _state_megabytes(progress: dict[str, Any]) -> float:
    [state] = progress["stateOperators"]
    return float(state["customMetrics"]["rocksdbSstFileSize"]) / 1e6


def main() -> None:
    """`python -m benchmarks.window`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-second", type=int, default=100, help="events of the stream")
    parser.add_argument(
        "--hours", type=float, nargs="+", default=[1 / 6, 1, 24], help="windows in hours"
    )
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    given = parser.parse_args()
    windows = [timedelta(hours=hours) for hours in given.hours]
    jobs = [*map(ours, windows), plain(max(windows))]
    with TemporaryDirectory() as unused:
        spark = local_session(settings_in(unused), given.memory)
    rows = [measure(spark, job, given.per_second) for job in jobs]
    spark.stop()
    header = ("job", "window", "identities in state", "state MB", "seconds of a batch")
    print(
        f"The window, at {given.per_second:,} events/s in batches of {_BATCH_SPAN.seconds} s\n\n"
        f"{table(header, rows)}\n\n{surroundings()}"
    )


if __name__ == "__main__":
    main()
