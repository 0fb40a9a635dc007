"""Drive the Kinesis source as Spark does, but without Spark: batches of rows, restarts, replays."""

import json
import pickle
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyspark.sql.types import StructType

from jobs.sources.kinesis.datasource import KinesisDataSource
from tests.support.servers import Server
from tests.support.servers.server import REGION

MOST_BATCHES = 300

Offset = dict[str, Any]


class Row(NamedTuple):
    """What the source yields, but for the arrival time."""

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

    Its offsets make the way through JSON, its partitions and its reader the way through pickle,
    and rows are read by a reader that has never planned anything: as on an executor. Without
    `readsPerSecond` it reads as fast as it can.
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
        self._offset = self._asked("initialOffset")

    @property
    def rows(self) -> list[Row]:
        """All rows so far, batch by batch."""
        return [row for batch in self.batches for row in batch.rows]

    @property
    def offset(self) -> Offset:
        """The end of the last batch."""
        return self._offset

    def batch(self) -> Batch | None:
        """Plan and read one batch; None, if there is nothing new."""
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
        return self._asked("latestOffset")

    def drain(self) -> list[Row]:
        """Run batches until nothing is new; gives their rows."""
        before = len(self.rows)
        for _ in range(MOST_BATCHES):
            if self.batch() is None:
                return self.rows[before:]
        raise AssertionError(f"no end after {MOST_BATCHES} batches, at {self._offset}")

    def read(self, start: Offset, end: Offset) -> list[Row]:
        """The rows between two offsets; as often as one likes."""
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
        """A new driver process; Spark tells it the committed offset by planning it once more."""
        self._start()
        self._planner.partitions(self._offset, self._offset)

    def crash(self) -> None:
        """Plan a batch, die before it is committed, and replay it in a new driver process.

        Spark has logged the end of the batch, so the replay has the same offsets. The dead process
        had written some or all of the rows; the sink keeps those of the replay.
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

    def _asked(self, method: str) -> Offset:
        answer: Offset = json.loads(json.dumps(getattr(self._planner, method)()))
        return answer


def by_key(rows: list[Row]) -> dict[str, list[bytes]]:
    """The bytes of each partition key, in the order of the rows."""
    found = defaultdict(list)
    for row in rows:
        found[row.key].append(row.data)
    return dict(found)


def positions(rows: list[Row]) -> set[tuple[str, str, int]]:
    """Where the rows stand in the stream."""
    return {(row.shard, row.sequence_number, row.sub_sequence_number) for row in rows}
