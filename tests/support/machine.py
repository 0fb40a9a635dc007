"""A machine whose clock is ahead of the clock of this one."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.checkpoints import Checkpoint, resume
from jobs.runtime import HadoopDirectory
from transforms.columns import PROCESSED_AT
from transforms.compose import Transform


class Machine:
    """A machine whose clock shows `now`, which is later than the clock of this machine.

    A test cannot set Spark's clock. But `process` uses the time of a batch, `current_timestamp()`,
    for two things only: it is the clock of the rows, and it must not go back. `running` adds the
    difference of the clocks to both. It also adds it to the times in Spark's checkpoint when their
    batches are committed, as if Spark's own clock had been ahead.
    """

    def __init__(self, spark: SparkSession, now: datetime) -> None:
        self._spark = spark
        self._ahead = now - datetime.now(UTC)
        assert self._ahead > timedelta(0)

    @contextmanager
    def running(self, checkpoint: str) -> Iterator[None]:
        """While the block runs, `process` runs on this machine."""
        before = self._batches(checkpoint)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(resume, "datetime", _clock(self._ahead))
            patched.setattr(pipeline, "with_clock", self._with_clock)
            patched.setattr(Checkpoint, "require_clock", self._require_clock())
            yield
        for batch in self._batches(checkpoint) - before:
            self._set_time(checkpoint, batch)

    def _with_clock(self, not_before: datetime) -> Transform:
        def apply(records: DataFrame) -> DataFrame:
            clock = F.greatest(F.current_timestamp() + F.lit(self._ahead), F.lit(not_before))
            return records.withColumn(PROCESSED_AT, clock)

        return apply

    def _require_clock(self) -> Callable[..., None]:
        original = Checkpoint.require_clock

        def require(checkpoint: Checkpoint, batch: int, clock_floor: datetime) -> None:
            original(checkpoint, batch, max(clock_floor, datetime.now(UTC) + self._ahead))

        return require

    def _batches(self, checkpoint: str) -> set[str]:
        commits = HadoopDirectory(self._spark, f"{checkpoint}/commits")
        return {name for name in commits.names() if name.isdigit()}

    def _set_time(self, checkpoint: str, batch: str) -> None:
        offsets = HadoopDirectory(self._spark, f"{checkpoint}/offsets")
        version, line, *rest = (offsets.read(batch) or "").split("\n")
        metadata: dict[str, Any] = json.loads(line)
        metadata["batchTimestampMs"] += self._ahead // timedelta(milliseconds=1)
        offsets.write(batch, "\n".join([version, json.dumps(metadata), *rest]))


def _clock(ahead: timedelta) -> type[datetime]:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + ahead

    return Ahead
