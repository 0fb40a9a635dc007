"""Measure the cost of late events in `process`, and its growth with the table.

Limit: with 1% late events, a batch takes at most 1.5 times as long on the largest table as on the
smallest.
The tables of events come from `benchmarks.lake_maker`. On a clone of each, `process` runs batches
of new records. A late record was created at any millisecond of the table's 30 days, has any of its
100 names, and must be looked up in the table. One in twenty of them is a duplicate of an event in
the table. With `--shared-times`, every late record has the time of an event in the table, as if
clocks had whole seconds only.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.lake_maker import (
    FRESH_MS,
    MadeLake,
    append,
    as_delivered,
    lake_of,
    lakes_folder,
    with_event,
)
from benchmarks.local import local_session
from benchmarks.processing import FILES_PER_BATCH, settings_in
from benchmarks.report import surroundings, table
from jobs.checkpoints import EPOCH, Generation
from jobs.config import Query
from jobs.lake import tables_of
from jobs.metrics import Batch
from jobs.runtime import HadoopDirectory
from jobs.streaming import Run

_DUPLICATE_EVERY = 20
# Greater than the number of every record of a lake.
_NEW = 10**12
# Shares of late records are counted in thousandths.
_OF = 1_000
# It has no common divisor with the rows of a lake, so steps of this size reach all records.
_STEP = 7_919


@dataclass(frozen=True)
class Input:
    """Batches of `records` each, of which `late` in a thousand are late."""

    records: int
    batches: int
    late: int
    shared_times: bool = False

    @property
    def late_rows(self) -> int:
        """The number of late records in all batches."""
        return self.records * self.batches * self.late // _OF

    @property
    def late_duplicates(self) -> int:
        """The number of late records whose event is in the table."""
        return -(-self.late_rows // _DUPLICATE_EVERY)

    def frame(self, spark: SparkSession, lake: MadeLake) -> DataFrame:
        """The records of all batches: `FILES_PER_BATCH` files each, one batch after the other."""
        nth_late = F.floor(F.col("id") / _OF) * self.late + F.col("id") % _OF
        is_late = F.col("id") % _OF < self.late
        is_duplicate = is_late & (nth_late % _DUPLICATE_EVERY == 0)
        # Every hundredth record of a lake is a stored event.
        hundreds = lake.rows // 100
        stored = (F.floor(nth_late / _DUPLICATE_EVERY) * _STEP % hundreds) * 100
        number = F.when(is_duplicate, stored).otherwise(F.col("id") + _NEW)
        shared_ms = lake.created_ms(F.pmod(F.xxhash64("id"), F.lit(lake.rows)))
        some_ms = shared_ms if self.shared_times else lake.some_ms(F.col("id"))
        now_ms = F.unix_millis(F.current_timestamp())
        created_ms = (
            F.when(is_duplicate, lake.created_ms(stored))
            .when(is_late, some_ms)
            .otherwise(now_ms - F.col("id") % FRESH_MS)
        )
        ids = spark.range(0, self.records * self.batches, 1, self.batches * FILES_PER_BATCH)
        with_events = with_event(ids.withColumn("number", number), created_ms)
        return as_delivered(with_events, now_ms)


def measure(spark: SparkSession, lake: MadeLake, given: Input) -> float:
    """Run the batches on a clone of the events. Return the median seconds of a warm batch."""
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        settings = settings_in(folder)
        own = tables_of(settings.lake)
        source, clone = (f"delta.`{each.events.path}`" for each in (lake.tables, own))
        spark.sql(f"CREATE TABLE {clone} SHALLOW CLONE {source}")
        own.create(spark)
        # One record creates the checkpoint.
        append(Input(1, 1, late=0).frame(spark, lake), own.raw)
        Run(settings, available_now=True).start([Query.PROCESS])
        _cover_all_time(HadoopDirectory(spark, settings.lake.checkpoint(Query.PROCESS)))
        append(given.frame(spark, lake), own.raw)
        batches: list[Batch] = []
        Run(settings, available_now=True, on_batch=batches.append).start([Query.PROCESS])
    _require_expected(batches, given)
    return median(batch.seconds for batch in batches[1:])


def _cover_all_time(checkpoint: HadoopDirectory) -> None:
    """Let the state decide about all fresh events, as it does after a stream has run for hours."""
    generation = Generation.from_json(checkpoint.read("generation.json") or "")
    checkpoint.write("generation.json", replace(generation, covered_since=EPOCH).to_json())


def _require_expected(batches: Sequence[Batch], given: Input) -> None:
    counts = [batch.counts for batch in batches if batch.counts]
    found = (
        len(batches),
        sum(each.looked_up for each in counts),
        sum(each.late_duplicates for each in counts),
    )
    expected = (given.batches, given.late_rows, given.late_duplicates)
    if found != expected:
        raise SystemExit(f"(batches, looked up, late duplicates): expected {expected}, got {found}")


def report(seconds: dict[int, list[float]], shares: Sequence[float]) -> str:
    """Return a row for each table, and how many times slower the largest is than the smallest."""
    rows = [(f"{size:,}", *(f"{each:.1f}" for each in of)) for size, of in seconds.items()]
    smallest, largest = seconds[min(seconds)], seconds[max(seconds)]
    growth = (f"{large / small:.2f}x" for small, large in zip(smallest, largest, strict=True))
    return table(
        ("records in the lake", *(f"{share:.1%} late" for share in shares)),
        [*rows, ("growth", *growth)],
    )


def main() -> None:
    """`python -m benchmarks.late`."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes, shares = [1_000_000, 10_000_000, 100_000_000], [0.0, 0.001, 0.01, 0.1]
    parser.add_argument("--rows", type=int, nargs="+", default=sizes, help="records in each lake")
    parser.add_argument("--late", type=float, nargs="+", default=shares, help="shares: 0.01 is 1%%")
    parser.add_argument(
        "--shared-times", action="store_true", help="late events share their time with a stored one"
    )
    parser.add_argument("--records-per-batch", type=int, default=250_000)
    parser.add_argument("--batches", type=int, default=4, help="the first one is cold")
    parser.add_argument("--lakes", help="folder of lakes to make or to reuse; it is kept")
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    given = parser.parse_args()
    seconds: dict[int, list[float]] = {}
    with lakes_folder(given.lakes) as folder:
        spark = local_session(settings_in(folder), given.memory)
        for rows in given.rows:
            lake = lake_of(spark, folder, rows, events_alone=True)
            inputs = [
                Input(
                    given.records_per_batch,
                    given.batches,
                    round(share * _OF),
                    given.shared_times,
                )
                for share in given.late
            ]
            seconds[rows] = [measure(spark, lake, each) for each in inputs]
        spark.stop()
    print(
        f"Seconds of a warm batch of {given.records_per_batch:,} records\n\n"
        f"{report(seconds, given.late)}\n\n{surroundings()}"
    )


if __name__ == "__main__":
    main()
