"""What a checkpoint of ours remembers beside Spark's own files: its generation and its last run.

Three facts decide whether the state of `process` may be trusted (docs/guarantees.md): the moment
since which it remembers every identity, the last clock that was used, and whether the last run that
wrote to the tables was one of this checkpoint.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.checkpoints.generation import SINCE_EVER, Generation
from jobs.errors import LakeError
from jobs.lake.fencing import Progress
from jobs.runtime.filesystem import Folder

_FILE = "generation.json"
_ANEW = (
    "move the folder {path} away, and a new generation begins (nothing is lost or stored twice by "
    "that)"
)


@dataclass(frozen=True)
class Cover:
    """What a start of `process` may rely on.

    No batch may run on a clock before `clock_floor`: after a fail-over to a machine whose time
    lags by more than the window, Spark would drop every row as late. The batch `in_doubt` was
    planned by an earlier run, and it or a part of it may be in the tables.
    """

    generation: Generation
    clock_floor: datetime
    in_doubt: int | None = None


class Checkpoint:
    """The folder in which one query keeps its progress."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path
        self._spark = spark
        self._folder = Folder(spark, path)
        self._offsets = Folder(spark, f"{path}/offsets")
        self._commits = Folder(spark, f"{path}/commits")
        self._runs = Folder(spark, f"{path}/runs")

    def is_new(self) -> bool:
        """True until a query has planned its first batch here."""
        return self.last_batch() < 0

    def query(self) -> str:
        """What Spark calls the query, or empty where there is no note of it."""
        try:
            return str(json.loads(self._folder.read("metadata") or "{}")["id"])
        except (ValueError, KeyError, TypeError):
            return ""

    def last_batch(self) -> int:
        """The last batch that was planned here; -1 before the first."""
        return _newest(self._offsets, -1)

    def last_done(self) -> int:
        """The last batch that is noted as done; -1 before the first."""
        return _newest(self._commits, -1)

    def unfinished(self) -> int | None:
        """The batch that was planned here, but not noted as done."""
        planned = self.last_batch()
        return planned if planned > self.last_done() else None

    def note_run(self, run: int, in_doubt: int | None) -> None:
        """Note that `run` works on the tables from here, and which batch it found in doubt."""
        earlier = [name for name in self._runs.names() if name.isdigit()]
        self._runs.write(str(run), json.dumps({"in_doubt": in_doubt}))
        for name in earlier:
            self._runs.delete(name)

    def take_up(
        self,
        window: timedelta,
        now: datetime,
        last_clock: datetime | None,
        before: Progress,
    ) -> Cover:
        """Go on with the checkpoint's generation, or begin one where the checkpoint is new.

        A generation also begins where the tables have more than this checkpoint has brought them:
        it was restored from a copy, or another one has worked on the lake meanwhile.

        Args:
            window: `once.window` as it is set now.
            now: this machine's time.
            last_clock: the newest clock that the tables have seen, None while they are empty: a
                machine whose time lags behind the one before must not think that the state is
                older than it is.
            before: how far the last run came that wrote to the tables.

        Raises:
            LakeError: when the checkpoint has batches, but its generation is missing, unreadable
                or another one's; when its notes are damaged; when the tables are older than the
                checkpoint; or when the folder cannot be written.
        """
        held = Progress(_newest(self._runs, -1), self.last_batch())
        if before.run < held.run:
            raise LakeError(
                f"{self.path} knows of run {held.run}, of which the tables know nothing: they were "
                "deleted, or restored from a copy, and would lack what this checkpoint takes for "
                "done. Move the folder away, and the run begins a new one (what the tables have "
                "is not stored again)"
            )
        since = max(now, last_clock or now)
        if self.is_new():
            # A generation without batches has stored nothing: it may as well begin now.
            self._require_empty()
            covered_since = SINCE_EVER if last_clock is None else since
            return self._begin(Generation(uuid4().hex, covered_since, window), clock_floor=since)
        noted = self._noted()
        clock_floor = self._last_clock(noted)
        if held < before:
            since = max(since, clock_floor)
            return self._begin(Generation(uuid4().hex, since, window), clock_floor=since)
        if window > noted.window:
            # A longer window promises more than the state remembers: the cover begins anew.
            since = max(since, clock_floor)
            longer = replace(noted, covered_since=since, window=window)
            return self._begin(longer, clock_floor=since)
        if window < noted.window:
            return self._begin(replace(noted, window=window), clock_floor)
        return Cover(noted, clock_floor, self._in_doubt(before))

    def _in_doubt(self, before: Progress) -> int | None:
        """The batch that was planned but not noted as done, if a part of it may be in the tables.

        The last run tells by its last batch there. An earlier one, of which the tables do not
        know any more, left the batch to the last one to look into.
        """
        unfinished = self.unfinished()
        if unfinished is None or before.batch >= unfinished:
            return unfinished
        try:
            left = json.loads(self._runs.read(str(before.run)) or "")["in_doubt"]
        except (ValueError, KeyError, TypeError):
            return unfinished
        return unfinished if left == unfinished else None

    def require_clock(self, batch: int, clock_floor: datetime) -> None:
        """Raise LakeError where this machine's time went back so far that Spark dropped rows.

        It drops what is not ahead of the watermark, which follows the newest clock so far. The
        next start runs the batch anew, on a clock that has not gone back.
        """
        batch_time, watermark = self._times(batch)
        clock = max(batch_time, clock_floor)
        if clock <= watermark:
            raise LakeError(
                f"this machine's time has gone back to {clock.isoformat()}, behind what was "
                f"stored before {watermark.isoformat()}: start again, and the clock goes on from "
                "where it was"
            )

    def bind(self, generation: Generation, query: str) -> None:
        """Note that `generation` is the life of the query that Spark calls `query`."""
        if generation.query != query:
            self._folder.write(_FILE, replace(generation, query=query).to_json())

    def _require_empty(self) -> None:
        for name in ("commits", "state"):
            if Folder(self._spark, f"{self.path}/{name}").names():
                raise self._damaged(f"{self.path}/offsets is empty, but {self.path}/{name} is not")

    def _damaged(self, what: str) -> LakeError:
        return LakeError(f"{what}: {_ANEW.format(path=self.path)}")

    def _noted(self) -> Generation:
        text = self._folder.read(_FILE)
        if text is None:
            raise self._damaged(
                f"{self.path} has batches but no {_FILE}, so it is not known since when its state "
                "covers all events"
            )
        try:
            noted = Generation.from_json(text)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"{self.path}/{_FILE} cannot be read ({error!r})") from None
        query = self.query()
        if noted.query not in ("", query):
            raise self._damaged(
                f"{self.path}/{_FILE} is of the query {noted.query}, but the state beside it is of "
                f"{query or 'none'}"
            )
        return noted

    def _last_clock(self, generation: Generation) -> datetime:
        """The newest clock that this checkpoint has used.

        Spark notes each batch's time and watermark in its offset log; the watermark is the
        newest clock before that batch, less the window.
        """
        batch_time, watermark = self._times(self.last_batch())
        return max(generation.covered_since, batch_time, watermark + generation.window)

    def _times(self, batch: int) -> tuple[datetime, datetime]:
        """The batch's own time, and the watermark before it."""
        try:
            metadata = json.loads((self._offsets.read(str(batch)) or "").split("\n")[1])
            batch_time = datetime.fromtimestamp(metadata["batchTimestampMs"] / 1000, UTC)
            watermark = datetime.fromtimestamp(metadata["batchWatermarkMs"] / 1000, UTC)
        except (IndexError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"{self.path}/offsets/{batch} cannot be read ({error!r})") from None
        return batch_time, watermark

    def _begin(self, generation: Generation, clock_floor: datetime) -> Cover:
        self._folder.write(_FILE, generation.to_json())
        return Cover(generation, clock_floor, self.unfinished())


def _newest(numbered: Folder, default: int) -> int:
    return max((int(name) for name in numbered.names() if name.isdigit()), default=default)
