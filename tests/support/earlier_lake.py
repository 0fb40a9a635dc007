"""A lake, its checkpoints and its stream, as version 0.1 left them (tests/data/lake-0.1.tar.xz).

That version made it with its own test servers: `stream --once` before a shard was split, twice
after it, and `ingest --once` at last, so that `process` has records left. `stream.json` in the
archive lists what was done to the stream, with times. `EarlierLake.unpack` does the same to a fake
Kinesis, which gives the same sequence numbers to the same records.
"""

import base64
import json
import tarfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.config import Lake, Once, Settings, Source
from tests.support.servers import FakeKinesis
from transforms.enrichment import Field

ARCHIVE = Path(__file__).parents[1] / "data" / "lake-0.1.tar.xz"
STREAM = "events"
# The settings that version 0.1 ran with.
ONCE = Once(window=timedelta(seconds=6), max_future=timedelta(seconds=3))
FIELDS = (Field(name="user_id", path="$.user.id", type="bigint"),)


@dataclass
class EarlierLake:
    """The unpacked lake, and a fake Kinesis with its stream."""

    folder: Path
    fake: FakeKinesis
    ahead: timedelta = timedelta(0)

    @staticmethod
    def unpack(folder: Path, fake: FakeKinesis) -> "EarlierLake":
        """Unpack the archive into `folder`, and put its records on `fake` again."""
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(folder, filter="data")
        lake = EarlierLake(folder, fake)
        for step in lake.steps():
            lake._repeat(step)
        return lake

    def settings(self) -> Settings:
        """The settings of the lake where it is now."""
        return Settings(
            source=Source(stream=STREAM, endpoint_url=self.fake.url),
            lake=Lake(
                raw=f"{self.folder}/raw",
                processed=f"{self.folder}/processed",
                checkpoints=f"{self.folder}/checkpoints",
            ),
            once=ONCE,
            fields=FIELDS,
        )

    def steps(self) -> list[dict[str, Any]]:
        """What version 0.1 did to the stream."""
        steps: list[dict[str, Any]] = json.loads((self.folder / "stream.json").read_text())
        return steps

    def records(self) -> list[tuple[bytes, datetime]]:
        """The records on the stream, with their times of arrival."""
        return [
            (base64.b64decode(step["data"]), datetime.fromtimestamp(step["at_ms"] / 1000, UTC))
            for step in self.steps()
            if step["op"] == "put"
        ]

    def stream_time(self) -> datetime:
        """The clock of the stream, which is still in the days of version 0.1."""
        return datetime.now(UTC) + self.ahead

    def put(self, data: bytes, key: str) -> None:
        """Put one more record."""
        self.fake.client().put_record(StreamName=STREAM, Data=data, PartitionKey=key)

    def _repeat(self, step: dict[str, Any]) -> None:
        client = self.fake.client()
        match step["op"]:
            case "create":
                self._set_clock(step["at_ms"])
                client.create_stream(StreamName=STREAM, ShardCount=step["shards"])
            case "split":
                self._set_clock(step["at_ms"])
                client.split_shard(
                    StreamName=STREAM,
                    ShardToSplit=step["shard"],
                    NewStartingHashKey=str(2**126),
                )
            case "put":
                self.put(base64.b64decode(step["data"]), step["key"])

    def _set_clock(self, at_ms: int) -> None:
        """Set the stream's clock: the second in which a shard is created is in its numbers."""
        ahead = timedelta(milliseconds=at_ms - time.time_ns() // 1_000_000)
        self.fake.advance_clock(ahead - self.ahead)
        self.ahead = ahead
