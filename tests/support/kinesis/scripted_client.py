"""A client of the Kinesis source that gives the answers of a script instead of calling a server."""

from collections.abc import Sequence

from jobs.sources.kinesis.client import Answer, KinesisClient, RefusedStartError
from jobs.sources.kinesis.get_records import Records
from jobs.sources.kinesis.model import StartingPoint
from jobs.sources.kinesis.options import KinesisOptions

QUIET = Answer(Records(), "next", 0)
END = Answer(Records(), None, 0)


class ScriptedClient(KinesisClient):
    """Gives one answer of the script for each call of GetRecords.

    starts:              the starting points of all iterators
    read_from:           the iterators of all calls
    rejects_next_start:  whether the stream rejects the next starting point
    """

    def __init__(self, script: Sequence[Answer | Exception], **options: str) -> None:
        super().__init__(
            KinesisOptions.parse(
                {"stream": "s", "region": "us-east-1", "retryTimeout": "0 seconds", **options}
            )
        )
        self._answers = iter(script)
        self.starts: list[StartingPoint] = []
        self.read_from: list[str] = []
        self.rejects_next_start = False

    def iterator(self, shard_id: str, start: StartingPoint) -> str:
        self.starts.append(start)
        if self.rejects_next_start:
            self.rejects_next_start = False
            raise RefusedStartError
        return f"iterator {len(self.starts)}"

    def records(self, shard_id: str, iterator: str, limit: int) -> Answer:
        self.read_from.append(iterator)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(
    *numbers: int, next_iterator: str | None = "next", millis_behind_latest: int = 1
) -> Answer:
    """An answer with records of these sequence numbers, which arrived at 08:53:20.123 UTC."""
    records = Records(
        [f"d{number}".encode() for number in numbers],
        ["k"] * len(numbers),
        [str(number) for number in numbers],
        [1_763_888_000_123_000] * len(numbers),
    )
    return Answer(records, next_iterator, millis_behind_latest)
