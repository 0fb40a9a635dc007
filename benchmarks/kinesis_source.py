"""Measure how fast the Kinesis source reads through Spark into the raw table.

The query is `ingest`, as users run it. Our fake Kinesis serves generated records from a process of
its own. It uses very little CPU, and does not limit a shard to 2 MB/s as Kinesis does.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.local import local_session
from benchmarks.report import PeakMemory, processes, surroundings, table
from jobs.config import Lake, Settings, Source, Stream
from jobs.lake import tables_of
from jobs.streaming import start_ingest
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.servers.server import REGION

STREAM = "benchmark"
ARRIVED_OVER = timedelta(minutes=10)


@dataclass(frozen=True)
class Volume:
    """The records on the stream."""

    shards: int
    records_per_shard: int
    record_bytes: int

    @property
    def records(self) -> int:
        """The number of records on all shards."""
        return self.shards * self.records_per_shard


@dataclass(frozen=True)
class Result:
    """What a run took. `seconds`: from the start of the query to the commit of its last record."""

    volume: Volume
    seconds: float
    progress: list[dict[str, Any]]
    peak_gib: float

    def report(self) -> str:
        """The table that is printed."""
        megabytes = self.volume.records * self.volume.record_bytes / 1e6
        whole = (
            "whole run",
            f"{self.volume.records:,}",
            f"{self.seconds:.1f}",
            f"{self.volume.records / self.seconds:,.0f}",
            f"{megabytes / self.seconds:.1f}",
            f"{self.peak_gib:.2f}",
        )
        batches = [self._batch(each) for each in self.progress if each["numInputRows"]]
        header = ("", "records", "seconds", "records/s", "MB/s", "peak GiB")
        return table(header, [whole, *batches])

    def _batch(self, progress: dict[str, Any]) -> tuple[str, ...]:
        rows, seconds = progress["numInputRows"], progress["batchDuration"] / 1000
        return (
            f"batch {progress['batchId']}",
            f"{rows:,}",
            f"{seconds:.1f}",
            f"{rows / seconds:,.0f}",
            f"{rows * self.volume.record_bytes / 1e6 / seconds:.1f}",
            "",
        )


def measure(volume: Volume, records_per_batch: int, memory: str) -> Result:
    """Fill a stream, run `ingest` on it once, and check that the table is complete."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchmark")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchmark")
    with fake_kinesis(own_process=True) as fake, tempfile.TemporaryDirectory() as folder:
        servers = processes() - {os.getpid()}
        fill(fake, volume)
        settings = Settings(
            source=Source(
                stream=STREAM,
                region=REGION,
                endpoint_url=fake.url,
                max_records_per_batch=records_per_batch,
            ),
            lake=Lake(raw=f"{folder}/raw", processed=f"{folder}/p", checkpoints=f"{folder}/c"),
            stream=Stream(trigger=timedelta(milliseconds=1)),
        )
        with PeakMemory(without=servers) as peak:
            seconds, progress = run(local_session(settings, memory), settings, volume.records)
        return Result(volume, seconds, progress, peak.gib)


def fill(fake: FakeKinesis, volume: Volume) -> None:
    """Create the stream and put its records."""
    fake.client().create_stream(StreamName=STREAM, ShardCount=volume.shards)
    fake.fill(STREAM, volume.records_per_shard, record_bytes=volume.record_bytes, span=ARRIVED_OVER)


def run(
    spark: SparkSession, settings: Settings, records: int
) -> tuple[float, list[dict[str, Any]]]:
    """Run the query. Return the seconds from its start to its last commit, and its progress."""
    try:
        lake = tables_of(settings.lake)
        lake.create(spark)
        began = time.monotonic()
        query = start_ingest(spark, settings, lake, available_now=False)
        query.processAllAvailable()
        seconds = time.monotonic() - began
        query.stop()
        stored = lake.raw.read(spark).count()
        if stored != records:
            raise SystemExit(f"expected {records:,} records in the table, got {stored:,}")
        return seconds, [dict(progress) for progress in query.recentProgress]
    finally:
        spark.stop()


def main() -> None:
    """`python -m benchmarks.kinesis_source`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--records", type=int, default=500_000, help="records on each shard")
    parser.add_argument("--record-bytes", type=int, default=322)
    parser.add_argument("--records-per-batch", type=int, default=1_000_000, help="0: no limit")
    parser.add_argument("--memory", default="2g", help="of the Spark driver")
    given = parser.parse_args()
    volume = Volume(given.shards, given.records, given.record_bytes)
    result = measure(volume, given.records_per_batch, given.memory)
    print(f"Kinesis source through Spark into raw\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
