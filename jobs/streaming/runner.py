"""Run the queries until they are stopped, fail or, with `available_now`, have caught up.

A signal never interrupts a batch: the run ends when the current batches are committed. An interrupt
would do no harm, because the batch is replayed, but the next start would repeat its work.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoints import Checkpoint
from jobs.config import Query, Settings
from jobs.errors import EventLakeError, IntegrityError
from jobs.lake import NO_LEASE, AnyLease, GivenUpError, lease_of, tables_of
from jobs.metrics import Batch, BatchListener
from jobs.runtime import build_session, handled_by
from jobs.sources.kinesis import require_stream
from jobs.streaming.ingest import start_ingest
from jobs.streaming.process import start_process

_POLL_SECONDS = 0.1


class Run:
    """One run of `ingest`, `process` or both in one Spark application."""

    def __init__(
        self,
        settings: Settings,
        available_now: bool,
        on_batch: Callable[[Batch], None] = lambda batch: None,
        stopped_by: tuple[signal.Signals, ...] = (),
    ) -> None:
        """Prepare the run; nothing starts yet.

        Args:
            available_now: process what is there at the start, then stop.
            on_batch: receives each finished batch, on Spark's thread.
            stopped_by: the signals that end the run; a second SIGINT ends it at once.
        """
        self._settings = settings
        self._available_now = available_now
        self._stopped_by = stopped_by
        self._listener = BatchListener(on_batch, self._note_violation)
        self._stopping = threading.Event()
        self._violation: str | None = None
        self._lease: AnyLease = NO_LEASE

    def stop(self) -> None:
        """Request the end; `start` returns when the current batches are committed.

        A batch that waits for the lease is given up, because it has not begun.
        """
        self._stopping.set()
        self._lease.stop_waiting()

    def start(self, queries: Sequence[Query]) -> None:
        """Run `queries` to their end.

        Raises:
            EventLakeError: the stream, a table, a checkpoint or a batch is at fault.
            PySparkException, Py4JError: Spark failed; see `runtime.translated_spark_errors`.
        """
        if Query.INGEST in queries:
            require_stream(self._settings.source.options())
        spark = build_session(self._settings)
        lake = tables_of(
            self._settings.lake,
            self._settings.fields,
            canonical_uuid=self._settings.once.canonical_uuid,
        )
        run = spark, self._settings, lake, self._available_now
        start: dict[Query, Callable[[], StreamingQuery]] = {
            Query.INGEST: lambda: start_ingest(*run, self._lease),
            Query.PROCESS: lambda: start_process(*run, self._listener.keep, self._lease),
        }
        command = queries[0] if len(queries) == 1 else "stream"
        # Spark sets a handler of its own for Ctrl-C, so ours are set after its start.
        with ExitStack() as stack, suppress(GivenUpError):  # stopped before anything has begun
            stack.enter_context(handled_by(self._on_signal, *self._stopped_by))
            # The queries have stopped when the lease is released.
            self._lease = stack.enter_context(lease_of(spark, self._settings, command))
            if self._stopping.is_set():
                self._lease.stop_waiting()
            stack.enter_context(_listening(spark, self._listener, self._lease))
            with self._lease.held():
                lake.create(spark)
            if not self._available_now:
                self._wait([start[query]() for query in queries])
                return
            # One query after the other, so that `process` sees everything that `ingest` has read.
            for query in queries:
                if not self._ending():
                    self._drain(start[query]())

    def _drain(self, query: StreamingQuery) -> None:
        """Wait until the query has caught up. Its end was fixed when it started."""
        caught_up = threading.Thread(target=_process_all_available, args=(query,), daemon=True)
        caught_up.start()
        while caught_up.is_alive() and not self._ending():
            caught_up.join(_POLL_SECONDS)
        self._end([query])

    def _wait(self, queries: list[StreamingQuery]) -> None:
        pause = threading.Event()  # not `_stopping`: a signal handler must not need its lock
        while all(query.isActive for query in queries) and not self._ending():
            pause.wait(_POLL_SECONDS)
        self._end(queries)

    def _ending(self) -> bool:
        return self._stopping.is_set() or self._violation is not None

    def _end(self, queries: list[StreamingQuery]) -> None:
        ended = [query for query in queries if not query.isActive]
        for query in queries:
            _stop_after_batch(query, self._lease)
            for progress in query.recentProgress:
                self._listener.take(progress)
        for query in queries:
            error = query.exception()
            # The error of a batch has passed through Java, which keeps its text alone.
            if error is not None and GivenUpError.__name__ not in str(error):
                raise error
        if self._violation is not None:
            raise IntegrityError(self._violation)
        for query in ended:
            if query.exception() is None:
                self._require_done(query)

    def _require_done(self, query: StreamingQuery) -> None:
        """Raise EventLakeError if `query` ended by itself, without an error, before its end."""
        path = self._settings.lake.checkpoint(query.name)
        batch = Checkpoint(build_session(self._settings), path).uncommitted_batch()
        if batch is not None or not self._available_now:
            raise EventLakeError(
                f"the query {query.name} ended, and Spark reports no cause. See its log and start "
                "again; the batch that it was writing is replayed"
            )

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stop()

    def _note_violation(self, violation: str) -> None:
        self._violation = violation


@contextmanager
def _listening(spark: SparkSession, listener: BatchListener, lease: AnyLease) -> Iterator[None]:
    others = {query.runId for query in spark.streams.active}
    spark.streams.addListener(listener)
    try:
        yield
    finally:
        for query in spark.streams.active:
            if query.runId not in others:
                with lease.without_waiting():
                    query.stop()
        spark.streams.removeListener(listener)


def _process_all_available(query: StreamingQuery) -> None:
    # A query that failed keeps its exception, and `_end` raises it.
    with suppress(PySparkException, Py4JError, ConnectionError):
        query.processAllAvailable()


def _stop_after_batch(query: StreamingQuery, lease: AnyLease) -> None:
    """Stop the query when its current batch is done, or at once if there is none.

    A batch that waits for the lease is given up, because it has not begun.
    """
    current = _last_batch(query)
    pause = threading.Event()
    while query.isActive and query.status["isTriggerActive"] and _last_batch(query) == current:
        if lease.is_awaited():
            break
        pause.wait(_POLL_SECONDS)
    with lease.without_waiting():  # Spark would wait for a batch that waits
        query.stop()


def _last_batch(query: StreamingQuery) -> str | None:
    progress = query.lastProgress
    return None if progress is None else str(progress["timestamp"])
