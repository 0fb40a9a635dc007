"""Turn Spark's progress events into batches, and check that each conserves its records."""

import json
import logging
import threading
from collections.abc import Callable

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
    StreamingQueryProgress,
)

from jobs.config import Query
from jobs.metrics.batch import Batch
from jobs.sinks import BatchCounts
from jobs.sources.kinesis import Offset

log = logging.getLogger(__name__)


class BatchListener(StreamingQueryListener):
    """Passes on each finished batch once. Runs on the driver, on Spark's own thread."""

    def __init__(
        self, on_batch: Callable[[Batch], None], on_violation: Callable[[str], None]
    ) -> None:
        self._on_batch = on_batch
        self._on_violation = on_violation
        self._counts: dict[int, BatchCounts] = {}
        self._passed_on: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def keep(self, counts: BatchCounts) -> None:
        """Keep the counts of the sink of `process` until Spark reports the batch."""
        with self._lock:
            self._counts[counts.batch] = counts

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Ignored: the caller knows what it started."""

    def onQueryIdle(self, event: QueryIdleEvent) -> None:
        """Ignored."""

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """Ignored: the caller reads the query's exception."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """Take a finished batch."""
        self.take(event.progress)

    def take(self, progress: StreamingQueryProgress) -> None:
        """Log a finished batch, check that it conserves its records, and pass it on; each once.

        Spark delivers its events some time after the batch. The last batches of a query that is
        stopped are taken from its `recentProgress` instead.
        """
        with self._lock:
            key = (str(progress.runId), progress.batchId)
            if key in self._passed_on:
                return
            self._passed_on.add(key)
        batch = self._ingested(progress) if progress.name == Query.INGEST else None
        batch = self._processed(progress) if progress.name == Query.PROCESS else batch
        if batch is None or (not batch.records and batch.conserves):
            return
        log.info("%s", batch)
        if not batch.conserves:
            self._on_violation(f"a batch does not conserve its records: {batch}")
        dropped = sum(operator.numRowsDroppedByWatermark for operator in progress.stateOperators)
        if dropped:
            self._on_violation(f"Spark dropped {dropped} rows by its watermark: {batch}")
        self._on_batch(batch)

    def _ingested(self, progress: StreamingQueryProgress) -> Batch:
        return Batch(
            query=Query.INGEST,
            number=progress.batchId,
            records=_observed(progress, Query.INGEST),
            seconds=progress.durationMs.get("triggerExecution", 0) / 1000,
            lag_seconds=_lag_seconds(progress),
        )

    def _processed(self, progress: StreamingQueryProgress) -> Batch:
        with self._lock:
            counts = self._counts.pop(progress.batchId, None)
        duplicates = sum(
            operator.customMetrics.get("numDroppedDuplicateRows", 0)
            for operator in progress.stateOperators
        )
        return Batch(
            query=Query.PROCESS,
            number=progress.batchId,
            records=_observed(progress, Query.PROCESS),
            seconds=progress.durationMs.get("triggerExecution", 0) / 1000,
            counts=counts,
            duplicates=duplicates,
        )


def _observed(progress: StreamingQueryProgress, query: Query) -> int:
    row = progress.observedMetrics.get(query)
    return int(row["records"]) if row is not None else 0


def _lag_seconds(progress: StreamingQueryProgress) -> float | None:
    """How far the slowest shard is behind its tip, from the offset of the source."""
    # The attribute `endOffset` is JSON or not, depending on where Spark gives the progress.
    end = json.loads(progress.json)["sources"][0]["endOffset"]
    return Offset.from_json(end).millis_behind_latest / 1000 if end else None
