"""The folder of a query's checkpoint: Spark's files, and ours beside them.

offsets/N, commits/N   Spark: batch N was planned; batch N was committed
metadata               Spark: the identifier of the query
generation.json        since when the state of `process` remembers every identity
runs/                  `process`: the last run, and the batch that it found in doubt;
                       `ingest`: the names of its writers
belongs_to.json        the tables and the stream that the checkpoint belongs to
"""

import json
from dataclasses import replace
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from jobs.checkpoints.generation import Generation
from jobs.errors import CheckpointError, ClockError
from jobs.runtime import HadoopDirectory

_GENERATION = "generation.json"


class Checkpoint:
    """The folder in which one query keeps its progress."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path
        self.directory = HadoopDirectory(spark, path)
        self.runs = HadoopDirectory(spark, f"{path}/runs")
        self._offsets = HadoopDirectory(spark, f"{path}/offsets")
        self._commits = HadoopDirectory(spark, f"{path}/commits")
        self._state = HadoopDirectory(spark, f"{path}/state")

    def is_new(self) -> bool:
        """True until a query has planned its first batch here."""
        return self.last_planned_batch() < 0

    def last_planned_batch(self) -> int:
        """The number of the last planned batch; -1 before the first."""
        return newest_number(self._offsets)

    def last_committed_batch(self) -> int:
        """The number of the last batch that Spark committed; -1 before the first."""
        return newest_number(self._commits)

    def uncommitted_batch(self) -> int | None:
        """The number of the batch that was planned but not committed, if there is one."""
        planned = self.last_planned_batch()
        return planned if planned > self.last_committed_batch() else None

    def last_run(self) -> int:
        """The number of the last run of `process` that used this checkpoint; -1 for none."""
        return newest_number(self.runs)

    def batch_in_doubt_of(self, run: int) -> int | None:
        """The batch that `run` found in doubt. Raises KeyError if that was not recorded."""
        try:
            recorded = json.loads(self.runs.read(str(run)) or "")["in_doubt"]
            return None if recorded is None else int(recorded)
        except (ValueError, TypeError) as error:
            raise KeyError(run) from error

    def record_run(self, run: int, in_doubt: int | None) -> None:
        """Record that `run` uses this checkpoint, and which batch it found in doubt."""
        earlier = [name for name in self.runs.names() if name.isdigit()]
        self.runs.write(str(run), json.dumps({"in_doubt": in_doubt}))
        for name in earlier:
            self.runs.delete(name)

    def generation(self) -> Generation:
        """The generation of a checkpoint that has batches.

        Raises:
            CheckpointError: the file is missing or unreadable, or describes another query's state.
        """
        text = self.directory.read(_GENERATION)
        if text is None:
            raise self.damaged(
                f"{self.path} has batches but no {_GENERATION}, so it is unknown since when its "
                "state remembers every event"
            )
        try:
            generation = Generation.from_json(text)
        except (ValueError, KeyError, TypeError) as error:
            raise self.damaged(f"{self.path}/{_GENERATION} cannot be read ({error!r})") from None
        query = self._query_id()
        if generation.query not in ("", query):
            raise self.damaged(
                f"{self.path}/{_GENERATION} belongs to the query {generation.query}, but the state "
                f"beside it belongs to {query or 'none'}"
            )
        return generation

    def write_generation(self, generation: Generation) -> None:
        """Record the generation. Raises LakeError if the folder cannot be written."""
        self.directory.write(_GENERATION, generation.to_json())

    def bind(self, generation: Generation, query: str) -> None:
        """Record that `generation` describes the state of the query with this identifier."""
        if generation.query != query:
            self.write_generation(replace(generation, query=query))

    def batch_times(self, batch: int) -> tuple[datetime, datetime]:
        """The time of a planned batch, and the watermark before it, from Spark's offset log.

        Raises:
            CheckpointError: the file is missing or unreadable.
        """
        try:
            metadata = json.loads((self._offsets.read(str(batch)) or "").split("\n")[1])
            batch_time = datetime.fromtimestamp(metadata["batchTimestampMs"] / 1000, UTC)
            watermark = datetime.fromtimestamp(metadata["batchWatermarkMs"] / 1000, UTC)
        except (IndexError, ValueError, KeyError, TypeError) as error:
            raise self.damaged(f"{self.path}/offsets/{batch} cannot be read ({error!r})") from None
        return batch_time, watermark

    def last_clock(self, generation: Generation) -> datetime:
        """The newest clock that this checkpoint has used.

        The watermark of a batch is the newest clock before it, less the window.
        """
        batch_time, watermark = self.batch_times(self.last_planned_batch())
        return max(generation.covered_since, batch_time, watermark + generation.window)

    def require_clock(self, batch: int, clock_floor: datetime) -> None:
        """Raise ClockError if the driver's clock went back so far that Spark dropped rows.

        Spark drops rows at or before the watermark, which follows the newest clock. The next start
        runs the batch again, on a clock that has not gone back.
        """
        batch_time, watermark = self.batch_times(batch)
        clock = max(batch_time, clock_floor)
        if clock <= watermark:
            raise ClockError(
                f"the driver's clock went back to {clock.isoformat()}, before the watermark "
                f"{watermark.isoformat()}. Start again: the next run continues from the old clock"
            )

    def require_empty(self) -> None:
        """Raise CheckpointError if a checkpoint without planned batches has commits or state."""
        for name, directory in (("commits", self._commits), ("state", self._state)):
            if directory.names():
                raise self.damaged(f"{self.path}/offsets is empty, but {self.path}/{name} is not")

    def damaged(self, fact: str) -> CheckpointError:
        """The error that tells the user to move the folder away."""
        return CheckpointError(
            f"{fact}. Move the folder {self.path} away; the next run begins a new generation, and "
            "nothing is lost or stored twice"
        )

    def _query_id(self) -> str:
        """Spark's identifier of the query, or empty if there is none."""
        try:
            return str(json.loads(self.directory.read("metadata") or "{}")["id"])
        except (ValueError, KeyError, TypeError):
            return ""


def newest_number(directory: HadoopDirectory) -> int:
    """The greatest number among the names of the files; -1 if there is none."""
    return max((int(name) for name in directory.names() if name.isdigit()), default=-1)
