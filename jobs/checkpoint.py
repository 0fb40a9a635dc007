"""What a checkpoint of ours remembers beside Spark's own files: its generation.

Two facts decide whether the state of `process` may be trusted (docs/guarantees.md):
the moment since which it remembers every identity, and the last clock that was used.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.errors import LakeError
from jobs.files import Folder

_FILE = "generation.json"

# Where nothing was ever stored, a state that knows nothing forgets nothing.
SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Generation:
    """One life of a checkpoint, from its first batch until it is deleted.

    `identifier` goes into the table's transactions: a fixed one with batch numbers that begin
    anew would make Delta take new batches for old ones and skip them.
    """

    identifier: str
    covered_since: datetime
    window: timedelta

    def to_json(self) -> str:
        """The text that stands in the checkpoint."""
        fields = asdict(self) | {
            "covered_since": self.covered_since.isoformat(),
            "window": self.window.total_seconds(),
        }
        return json.dumps(fields, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> "Generation":
        """The generation that `to_json` wrote."""
        fields = json.loads(text)
        return Generation(
            identifier=fields["identifier"],
            covered_since=datetime.fromisoformat(fields["covered_since"]),
            window=timedelta(seconds=fields["window"]),
        )


@dataclass(frozen=True)
class Cover:
    """What a start of `process` may rely on.

    No batch may run on a clock before `clock_floor`: after a fail-over to a machine whose time
    lags by more than the window, Spark would drop every row as late.
    """

    generation: Generation
    clock_floor: datetime


class Checkpoint:
    """The folder in which one query keeps its progress."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path
        self._folder = Folder(spark, path)
        self._offsets = Folder(spark, f"{path}/offsets")

    def is_new(self) -> bool:
        """True until a query has planned its first batch here."""
        return self._last_batch() is None

    def take_up(self, window: timedelta, now: datetime, last_clock: datetime | None) -> Cover:
        """Go on with the checkpoint's generation, or begin one where the checkpoint is new.

        Args:
            window: `once.window` as it is set now.
            now: this machine's time.
            last_clock: the newest clock that the tables have seen, None while they are empty: a
                machine whose time lags behind the one before must not think that the state is
                older than it is.

        Raises:
            LakeError: when the checkpoint has batches, but its generation is missing or
                unreadable, or when the folder cannot be written.
        """
        since = max(now, last_clock or now)
        noted = self._noted()
        if noted is None:
            if not self.is_new():
                raise LakeError(
                    f"{self.path} has batches but no {_FILE}, so it is not known since when its "
                    "state covers all events: move the folder away, and the run begins a new one "
                    "(nothing is lost or stored twice by that)"
                )
            covered_since = SINCE_EVER if last_clock is None else since
            return self._begin(Generation(uuid4().hex, covered_since, window), clock_floor=since)
        clock_floor = self._last_clock(noted)
        if window > noted.window:
            # A longer window promises more than the state remembers: the cover begins anew.
            since = max(since, clock_floor)
            return self._begin(Generation(noted.identifier, since, window), clock_floor=since)
        if window < noted.window:
            shorter = Generation(noted.identifier, noted.covered_since, window)
            return self._begin(shorter, clock_floor)
        return Cover(noted, clock_floor)

    def _noted(self) -> Generation | None:
        text = self._folder.read(_FILE)
        if text is None:
            return None
        try:
            return Generation.from_json(text)
        except (ValueError, KeyError, TypeError) as error:
            raise LakeError(f"{self.path}/{_FILE} cannot be read: {error!r}") from None

    def _last_clock(self, generation: Generation) -> datetime:
        """The newest clock that this checkpoint has used.

        Spark notes each batch's time and watermark in its offset log; the watermark is the
        newest clock before that batch, less the window.
        """
        last = self._last_batch()
        if last is None:
            return generation.covered_since
        metadata = json.loads((self._offsets.read(str(last)) or "").split("\n")[1])
        batch_time = datetime.fromtimestamp(metadata["batchTimestampMs"] / 1000, UTC)
        watermark = datetime.fromtimestamp(metadata["batchWatermarkMs"] / 1000, UTC)
        return max(generation.covered_since, batch_time, watermark + generation.window)

    def _last_batch(self) -> int | None:
        return max((int(name) for name in self._offsets.names() if name.isdigit()), default=None)

    def _begin(self, generation: Generation, clock_floor: datetime) -> Cover:
        self._folder.write(_FILE, generation.to_json())
        return Cover(generation, clock_floor)
