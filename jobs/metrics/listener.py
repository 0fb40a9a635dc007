"""One line a batch: what came in, what became of it, how far behind the stream it is.

    query=ingest batch=12 records=40000 seconds=3.1 records_per_second=12903 lag_seconds=0.8
    query=process batch=7 records=40000 stored=37620 twins=1984 late_twins=12 quarantined=384 ...

`records = stored + twins + late_twins + quarantined`, or the run ends: see docs/guarantees.md.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
    StreamingQueryProgress,
)

from jobs.sinks.processed import BatchCounts
from jobs.sources.kinesis.offset import Offset
from jobs.streaming import ingest, process

log = logging.getLogger("event-lake")


@dataclass(frozen=True)
class Batch:
    """A finished batch of either query."""

    query: str
    number: int
    records: int
    seconds: float
    lag_seconds: float | None = None
    counts: BatchCounts | None = None
    twins: int = 0

    @property
    def conserves(self) -> bool:
        """Every record that came in is accounted for."""
        if self.query == ingest.NAME:
            return True
        if self.counts is None:  # the sink has not told of the batch
            return self.records == 0
        kept = self.counts.stored + self.counts.late_twins + self.counts.quarantined
        return self.records == kept + self.twins

    def __str__(self) -> str:
        facts: dict[str, object] = {
            "query": self.query,
            "batch": self.number,
            "records": self.records,
        }
        if self.counts is not None:
            facts |= {
                "stored": self.counts.stored,
                "twins": self.twins,
                "late_twins": self.counts.late_twins,
                "late": self.counts.late,
                "quarantined": self.counts.quarantined,
            }
        facts["seconds"] = round(self.seconds, 1)
        facts["records_per_second"] = round(self.records / self.seconds) if self.seconds else 0
        if self.lag_seconds is not None:
            facts["lag_seconds"] = round(self.lag_seconds, 1)
        return " ".join(f"{name}={fact}" for name, fact in facts.items())


class BatchListener(StreamingQueryListener):
    """Turns Spark's progress events into `Batch`es. Runs on the driver, on Spark's own thread."""

    def __init__(self, on_batch: Callable[[Batch], None], on_breach: Callable[[str], None]) -> None:
        self._on_batch = on_batch
        self._on_breach = on_breach
        self._counts: dict[int, BatchCounts] = {}
        self._taken: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def keep(self, counts: BatchCounts) -> None:
        """Take what the sink of `process` counted, until Spark reports the batch."""
        with self._lock:
            self._counts[counts.batch] = counts

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Nothing to tell: the caller knows what it started."""

    def onQueryIdle(self, event: QueryIdleEvent) -> None:
        """Nothing to tell."""

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """The caller sees the query's exception itself."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """Take a finished batch."""
        self.take(event.progress)

    def take(self, progress: StreamingQueryProgress) -> None:
        """Pass on a finished batch, and check that it conserves its records; each batch once.

        Spark delivers its events some time after the batch, so the last ones of a query that is
        stopped come from its `recentProgress` instead.
        """
        with self._lock:
            key = (str(progress.runId), progress.batchId)
            if key in self._taken:
                return
            self._taken.add(key)
        batch = self._ingested(progress) if progress.name == ingest.NAME else None
        batch = self._processed(progress) if progress.name == process.NAME else batch
        if batch is None or (not batch.records and batch.conserves):
            return
        log.info("%s", batch)
        if not batch.conserves:
            self._on_breach(f"records are not conserved: {batch}")
        dropped = sum(operator.numRowsDroppedByWatermark for operator in progress.stateOperators)
        if dropped:
            self._on_breach(f"Spark dropped {dropped} rows as late, which must never be: {batch}")
        self._on_batch(batch)

    def _ingested(self, progress: StreamingQueryProgress) -> Batch:
        return Batch(
            query=ingest.NAME,
            number=progress.batchId,
            records=_observed(progress, ingest.NAME),
            seconds=progress.durationMs.get("triggerExecution", 0) / 1000,
            lag_seconds=_lag_seconds(progress),
        )

    def _processed(self, progress: StreamingQueryProgress) -> Batch:
        with self._lock:
            counts = self._counts.pop(progress.batchId, None)
        twins = sum(
            operator.customMetrics.get("numDroppedDuplicateRows", 0)
            for operator in progress.stateOperators
        )
        return Batch(
            query=process.NAME,
            number=progress.batchId,
            records=_observed(progress, process.NAME),
            seconds=progress.durationMs.get("triggerExecution", 0) / 1000,
            counts=counts,
            twins=twins,
        )


def _observed(progress: StreamingQueryProgress, name: str) -> int:
    row = progress.observedMetrics.get(name)
    return int(row["records"]) if row is not None else 0


def _lag_seconds(progress: StreamingQueryProgress) -> float | None:
    """How far the slowest shard is behind its tip, as the source noted it in its offset."""
    # The attribute `endOffset` is JSON or not, depending on where Spark gives the progress.
    end = json.loads(progress.json)["sources"][0]["endOffset"]
    return Offset.from_json(end).behind_ms / 1000 if end else None
