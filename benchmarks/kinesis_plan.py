"""Measure how long the Kinesis source takes to plan a batch of many shards. Limit: 10 s.

The limit is the default trigger of `ingest`. The batch is planned as `ingest` plans it by default,
but without Spark, against our fake Kinesis in a process of its own. The fake answers over loopback;
each call to AWS takes some milliseconds more.
"""

import argparse
import os
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pyspark.sql.types import StructType

from benchmarks.report import surroundings, table
from jobs.config import Source
from jobs.sources.kinesis import KinesisDataSource
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.servers.server import REGION

STREAM = "benchmark"
ARRIVED_OVER = timedelta(minutes=10)
CALLS = ("ListShards", "GetShardIterator", "GetRecords")
HASH_KEYS = 2**128
MAX_PUT_RECORDS = 500


@dataclass(frozen=True)
class Producer:
    """Puts records on each shard, evenly over ten minutes of the server's clock."""

    fake: FakeKinesis
    shards: int
    records_per_shard: int

    def put(self) -> None:
        """Put `records_per_shard` records on each shard, and advance the clock."""
        client = self.fake.client()
        for number in range(self.records_per_shard):
            entries = [self._record(shard, number) for shard in range(self.shards)]
            for first in range(0, self.shards, MAX_PUT_RECORDS):
                page = entries[first : first + MAX_PUT_RECORDS]
                client.put_records(StreamName=STREAM, Records=page)
            self.fake.advance_clock(ARRIVED_OVER / self.records_per_shard)

    def _record(self, shard: int, number: int) -> dict[str, Any]:
        return {
            "Data": b"record %d" % number,
            "PartitionKey": "k",
            "ExplicitHashKey": str(HASH_KEYS * shard // self.shards),
        }


@dataclass
class BatchPlanner:
    """Plans one batch after the other, each from the end of the last one."""

    fake: FakeKinesis

    def __post_init__(self) -> None:
        source = Source(stream=STREAM, region=REGION, endpoint_url=self.fake.url)
        self._reader = KinesisDataSource(source.options()).streamReader(StructType())
        self._offset = self._reader.initialOffset()

    def plan(self, name: str, moved: int) -> tuple[str, ...]:
        """Plan a batch that reads from `moved` shards. Return its row of the report."""
        self.fake.reset_calls()
        began = time.monotonic()
        end = self._reader.latestOffset()
        seconds = time.monotonic() - began
        calls = [f"{self.fake.count(operation):,}" for operation in CALLS]
        ranges = len(self._reader.partitions(self._offset, end))
        if ranges != moved:
            raise SystemExit(f"{name}: expected {moved} shards with new records, got {ranges}")
        self._offset = end
        return (name, f"{ranges}", f"{seconds:.2f}", *calls)

    def close(self) -> None:
        """Stop the reader."""
        self._reader.stop()


def measure(shards: int, records_per_shard: int) -> list[tuple[str, ...]]:
    """Plan from the trim horizon, then with as many new records, then twice with none."""
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchmark")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchmark")
    with fake_kinesis(own_process=True) as fake, closing(BatchPlanner(fake)) as planner:
        fake.client().create_stream(StreamName=STREAM, ShardCount=shards)
        producer = Producer(fake, shards, records_per_shard)
        producer.put()
        rows = [planner.plan("first batch, from TRIM_HORIZON", shards)]
        producer.put()
        rows.append(planner.plan("new records on each shard", shards))
        rows.append(planner.plan("nothing new", 0))
        rows.append(planner.plan("nothing new, again", 0))
        return rows


def main() -> None:
    """`python -m benchmarks.kinesis_plan`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=300)
    parser.add_argument("--records", type=int, default=100, help="new records on each shard")
    given = parser.parse_args()
    rows = measure(given.shards, given.records)
    report = table(("plan", "shards moved", "seconds", *CALLS), rows)
    print(f"Plan of a batch for {given.shards} shards\n\n{report}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
