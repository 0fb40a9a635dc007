"""Call the Kinesis source as Spark does, without Spark: batches of rows, restarts, replays."""

import json
import pickle
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyspark.sql.types import StructType

from jobs.sources.kinesis.datasource import KinesisDataSource
from tests.support.servers import Server
from tests.support.servers.server import REGION

MAX_BATCHES = 300

Offset = dict[str, Any]


class Row(NamedTuple):
    """A row of the source, without the arrival time."""

    shard: str
    sequence_number: str
    sub_sequence_number: int
    key: str
    data: bytes


@dataclass(frozen=True)
class Batch:
    """One micro-batch: its offsets, and its rows in the order of each shard."""

    start: Offset
    end: Offset
    rows: list[Row]


class Query:
    """A streaming query on one stream, with its checkpoint in memory.

    Offsets are converted to JSON and back, and partitions and readers are pickled, as between
    processes. As on an executor, a reader that has never planned a batch reads the rows.
    `readsPerSecond` is 0 by default, so the query reads as fast as it can.
    """

    def __init__(self, server: Server, stream: str, **options: str) -> None:
        self._source = KinesisDataSource(
            {
                "stream": stream,
                "region": REGION,
                "endpointUrl": server.url,
                "tipLag": "0 seconds",
                "readsPerSecond": "0",
                **options,
            }
        )
        self.batches: list[Batch] = []
        self._start()
        self._offset = self._call("initialOffset")

    @property
    def rows(self) -> list[Row]:
        """All rows so far, batch by batch."""
        return [row for batch in self.batches for row in batch.rows]

    @property
    def offset(self) -> Offset:
        """The end of the last batch."""
        return self._offset

    def batch(self) -> Batch | None:
        """Plan and read one batch; None if no record is new."""
        end = self.plan()
        if json.dumps(end) == json.dumps(self._offset):
            return None
        batch = Batch(self._offset, end, self.read(self._offset, end))
        self._planner.commit(end)
        self._offset = end
        self.batches.append(batch)
        return batch

    def plan(self) -> Offset:
        """The end of the next batch, without reading it."""
        return self._call("latestOffset")

    def drain(self) -> list[Row]:
        """Run batches until no record is new. Return their rows."""
        before = len(self.rows)
        for _ in range(MAX_BATCHES):
            if self.batch() is None:
                return self.rows[before:]
        raise AssertionError(f"no end after {MAX_BATCHES} batches, at {self._offset}")

    def read(self, start: Offset, end: Offset) -> list[Row]:
        """The rows between two offsets. It may be called any number of times."""
        partitions = pickle.loads(pickle.dumps(self._planner.partitions(start, end)))
        reader = pickle.loads(pickle.dumps(self._source.streamReader(StructType())))
        return [
            Row(
                row["shard_id"],
                row["sequence_number"],
                row["sub_sequence_number"],
                row["partition_key"],
                row["data"],
            )
            for partition in partitions
            for arrow in reader.read(partition)
            for row in arrow.to_pylist()
        ]

    def restart(self) -> None:
        """Start a new driver process. Spark passes the committed offset by planning it again."""
        self._start()
        self._planner.partitions(self._offset, self._offset)

    def crash(self) -> None:
        """Plan a batch, die before it is committed, and replay it in a new driver process.

        Spark has logged the end of the batch, so the replay has the same offsets. The dead process
        has written some or all of the rows; the sink keeps those of the replay.
        """
        end = self.plan()
        if json.dumps(end) == json.dumps(self._offset):
            return self.restart()
        written = self.read(self._offset, end)
        self.restart()
        replayed = self.read(self._offset, end)
        assert sorted(replayed) == sorted(written)
        self.batches.append(Batch(self._offset, end, replayed))
        self._offset = end

    def _start(self) -> None:
        self._planner = pickle.loads(pickle.dumps(self._source)).streamReader(StructType())

    def _call(self, method: str) -> Offset:
        offset: Offset = json.loads(json.dumps(getattr(self._planner, method)()))
        return offset


def by_key(rows: list[Row]) -> dict[str, list[bytes]]:
    """The bytes of each partition key, in the order of the rows."""
    data = defaultdict(list)
    for row in rows:
        data[row.key].append(row.data)
    return dict(data)


def positions(rows: list[Row]) -> set[tuple[str, str, int]]:
    """The positions of the rows in the stream."""
    return {(row.shard, row.sequence_number, row.sub_sequence_number) for row in rows}
