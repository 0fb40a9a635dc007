"""What late rows cost `process`, and whether that grows with the table: at most by 1.5 at 1% late.

The tables of events come from `benchmarks.lake_maker`. On a clone of each, `process` runs batches
of new records. The late ones were created at any millisecond of the table's 30 days, under any of
its 100 names, and one in twenty is the twin of an event that the table has. With `--shared-times`
every late one has the time of an event in the table, as where clocks tell whole seconds alone.
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
from benchmarks.processing import FILES_A_BATCH, settings_in
from benchmarks.report import surroundings, table
from jobs.checkpoints.generation import SINCE_EVER, Generation
from jobs.lake.tables import tables
from jobs.metrics.listener import Batch
from jobs.runtime.filesystem import Folder
from jobs.streaming import process
from jobs.streaming.runner import Run

_ONE_TWIN_IN = 20
# No number of a lake's record is as high.
_NEW = 10**12
# Shares of late rows are told by the thousand.
_OF = 1_000
# With the lake's rows, a multiple of 100, it has no common divisor: steps of it meet all records.
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
        return self.records * self.batches * self.late // _OF

    @property
    def late_twins(self) -> int:
        return -(-self.late_rows // _ONE_TWIN_IN)

    def frame(self, spark: SparkSession, lake: MadeLake) -> DataFrame:
        """The records of all batches: 4 files of each, one batch after the other."""
        nth_late = F.floor(F.col("id") / _OF) * self.late + F.col("id") % _OF
        is_late = F.col("id") % _OF < self.late
        is_twin = is_late & (nth_late % _ONE_TWIN_IN == 0)
        # Every hundredth record of a lake is a sound event.
        hundreds = lake.rows // 100
        stored = (F.floor(nth_late / _ONE_TWIN_IN) * _STEP % hundreds) * 100
        number = F.when(is_twin, stored).otherwise(F.col("id") + _NEW)
        shared_ms = lake.created_ms(F.pmod(F.xxhash64("id"), F.lit(lake.rows)))
        some_ms = shared_ms if self.shared_times else lake.some_ms(F.col("id"))
        now_ms = F.unix_millis(F.current_timestamp())
        created_ms = (
            F.when(is_twin, lake.created_ms(stored))
            .when(is_late, some_ms)
            .otherwise(now_ms - F.col("id") % FRESH_MS)
        )
        ids = spark.range(0, self.records * self.batches, 1, self.batches * FILES_A_BATCH)
        told = with_event(ids.withColumn("number", number), created_ms)
        return as_delivered(told, now_ms)


def measure(spark: SparkSession, lake: MadeLake, given: Input) -> float:
    """Run the batches on a clone of the lake's events; the median of their seconds, when warm."""
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        settings = settings_in(folder)
        own = tables(settings.lake)
        source, clone = (f"delta.`{each.events.path}`" for each in (lake.tables, own))
        spark.sql(f"CREATE TABLE {clone} SHALLOW CLONE {source}")
        own.create(spark)
        # One record, so that there is a checkpoint.
        append(Input(1, 1, late=0).frame(spark, lake), own.raw)
        Run(settings, once=True).start((process.NAME,))
        _trust(Folder(spark, f"{settings.lake.checkpoints}/{process.NAME}"))
        append(given.frame(spark, lake), own.raw)
        batches: list[Batch] = []
        Run(settings, once=True, on_batch=batches.append).start((process.NAME,))
    _require_right(batches, given)
    return median(batch.seconds for batch in batches[1:])


def _trust(checkpoint: Folder) -> None:
    """Let the state answer for all that is fresh, as that of a stream does that goes on."""
    generation = Generation.from_json(checkpoint.read("generation.json") or "")
    trusted = replace(generation, covered_since=SINCE_EVER)
    checkpoint.write("generation.json", trusted.to_json())


def _require_right(batches: Sequence[Batch], given: Input) -> None:
    counts = [batch.counts for batch in batches if batch.counts]
    told = (
        len(batches),
        sum(each.late for each in counts),
        sum(each.late_twins for each in counts),
    )
    wanted = (given.batches, given.late_rows, given.late_twins)
    if told != wanted:
        raise SystemExit(f"(batches, late, late twins) are {told}, but should be {wanted}")


def report(seconds: dict[int, list[float]], shares: Sequence[float]) -> str:
    """A row for each table, and how much slower the largest is than the smallest."""
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
    parser.add_argument("--shared-times", action="store_true", help="of late events and stored")
    parser.add_argument("--records-per-batch", type=int, default=250_000)
    parser.add_argument("--batches", type=int, default=4, help="the first one is cold")
    parser.add_argument("--lakes", help="folder of lakes to make, or to use again; they are kept")
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
