"""A stream for one test on any Kinesis server: put records, reshard, and record what was put."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.support.servers import Server

MAX_WAIT_SECONDS = 30

_numbers = count()


class Stream:
    """A stream for one test, and the records that were put on it, by key."""

    def __init__(self, server: Server, shards: int) -> None:
        self.name = f"stream-{next(_numbers)}"
        self.put_by_key: dict[str, list[bytes]] = {}
        self._client = server.client()
        self._client.create_stream(StreamName=self.name, ShardCount=shards)
        self._wait_for(shards)

    def put(self, data: bytes, key: str) -> None:
        self._client.put_record(StreamName=self.name, Data=data, PartitionKey=key)
        self.put_by_key.setdefault(key, []).append(data)

    def put_some(self, first: int, last: int) -> None:
        """Put numbered records of 7 keys."""
        for i in range(first, last):
            self.put(f"record {i}".encode(), key=f"key {i % 7}")

    def split(self) -> None:
        shard = self._open()[0]
        first, last = (int(bound) for bound in shard["HashKeyRange"].values())
        self._client.split_shard(
            StreamName=self.name,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((first + last) // 2 + 1),
        )
        self._wait_for(len(self._open()))

    def merge(self) -> None:
        lower, upper = self._open()[:2]
        self._client.merge_shards(
            StreamName=self.name,
            ShardToMerge=lower["ShardId"],
            AdjacentShardToMerge=upper["ShardId"],
        )
        self._wait_for(len(self._open()))

    def scale(self, shards: int) -> None:
        self._client.update_shard_count(
            StreamName=self.name, TargetShardCount=shards, ScalingType="UNIFORM_SCALING"
        )
        self._wait_for(shards)

    def wait_past_arrivals(self) -> datetime:
        """Wait until a time after every arrival so far, and return it.

        Records that are put later arrive at or after this time, by the server's clock.
        """
        # Arrival times are in milliseconds, and a server may round them down.
        since = max(self._arrivals()) + timedelta(milliseconds=1)
        _wait_until(lambda: datetime.now(UTC) >= since, f"it is {since}")
        return since

    def _arrivals(self) -> list[datetime]:
        """Arrival times in the first page of each open shard."""
        starts = [
            self._client.get_shard_iterator(
                StreamName=self.name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            for shard in self._open()
        ]
        pages = [
            self._client.get_records(ShardIterator=start["ShardIterator"])["Records"]
            for start in starts
        ]
        return [record["ApproximateArrivalTimestamp"] for page in pages for record in page]

    def _wait_for(self, shards: int) -> None:
        """Wait until the stream is active and has this number of open shards."""
        _wait_until(
            lambda: self._is_active() and len(self._open()) == shards,
            f"{self.name} is active with {shards} open shards",
        )

    def _is_active(self) -> bool:
        summary = self._client.describe_stream_summary(StreamName=self.name)
        return bool(summary["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")

    def _open(self) -> list[dict[str, Any]]:
        shards = self._client.list_shards(StreamName=self.name)["Shards"]
        still_open = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        return sorted(still_open, key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))


def _wait_until(condition: Callable[[], bool], expected: str) -> None:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{MAX_WAIT_SECONDS} s passed before {expected}"
