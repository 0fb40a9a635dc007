"""Run the queries until they are stopped, fail or, with `--once`, have taken what is there.

A signal never cuts a batch: the run ends when the batches at hand are committed. A cut would do
no harm (the batch is replayed), but the next start would have to do its work again.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.config.settings import Settings
from jobs.errors import BreachError, EventLakeError
from jobs.lake.tables import tables
from jobs.metrics.listener import Batch, BatchListener
from jobs.runtime import session
from jobs.runtime.signals import handled_by
from jobs.runtime.spark_errors import explained
from jobs.streaming import ingest, process
from jobs.streaming.preflight import require_stream

_POLL_SECONDS = 0.1


class Run:
    """One run of `ingest`, `process` or both in one Spark application."""

    def __init__(
        self,
        settings: Settings,
        once: bool,
        on_batch: Callable[[Batch], None] = lambda batch: None,
        stopped_by: tuple[signal.Signals, ...] = (),
    ) -> None:
        """`stopped_by` are the signals that end the run; a second SIGINT ends it at once."""
        self._settings = settings
        self._once = once
        self._stopped_by = stopped_by
        self._listener = BatchListener(on_batch, self._note_breach)
        self._stopping = threading.Event()
        self._breach: str | None = None

    def stop(self) -> None:
        """Ask for the end; `start` returns when the batches at hand are committed."""
        self._stopping.set()

    def start(self, names: tuple[str, ...]) -> None:
        """Run the queries `names` ("ingest", "process") to their end.

        Raises:
            EventLakeError: whatever ended the run, in words that a user can act on.
        """
        if ingest.NAME in names:
            require_stream(self._settings.source)
        spark = session.build(self._settings)
        lake = tables(self._settings.lake, self._settings.fields)
        make: dict[str, Callable[[], StreamingQuery]] = {
            ingest.NAME: partial(ingest.start, spark, self._settings, lake, self._once),
            process.NAME: partial(
                process.start, spark, self._settings, lake, self._once, self._listener.keep
            ),
        }
        # Spark has set a handler of its own for Ctrl-C, so ours come after its start.
        stopped = handled_by(self._on_signal, *self._stopped_by)
        with explained(), stopped, _listened_to(spark, self._listener):
            lake.create(spark)
            if not self._once:
                self._wait([make[name]() for name in names])
                return
            # One query after the other, so that `process` sees all that `ingest` has read.
            for name in names:
                if not self._ending():
                    self._drain(make[name]())

    def _drain(self, query: StreamingQuery) -> None:
        """Wait until the source has nothing new: its end was frozen when the query started."""
        caught_up = threading.Thread(target=_process_all_available, args=(query,), daemon=True)
        caught_up.start()
        while caught_up.is_alive() and not self._ending():
            caught_up.join(_POLL_SECONDS)
        self._end([query])

    def _wait(self, queries: list[StreamingQuery]) -> None:
        while all(query.isActive for query in queries) and not self._ending():
            self._stopping.wait(_POLL_SECONDS)
        self._end(queries)

    def _ending(self) -> bool:
        return self._stopping.is_set() or self._breach is not None

    def _end(self, queries: list[StreamingQuery]) -> None:
        ended = [query for query in queries if not query.isActive]
        for query in queries:
            _stop_behind_batch(query)
            for progress in query.recentProgress:
                self._listener.take(progress)
        for query in queries:
            error = query.exception()
            if error is not None:
                raise error
        if self._breach is not None:
            raise BreachError(self._breach)
        for query in ended:
            self._require_done(query)

    def _require_done(self, query: StreamingQuery) -> None:
        """Raise EventLakeError unless `query`, which was not stopped, has come to its end."""
        place = self._settings.lake.checkpoint(query.name)
        batch = Checkpoint(session.build(self._settings), place).unfinished()
        if batch is not None or not self._once:
            raise EventLakeError(
                f"the query {query.name} ended, and Spark does not say why: see its log, and start "
                "again; what it was doing is done anew"
            )

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.stop()

    def _note_breach(self, breach: str) -> None:
        self._breach = breach


@contextmanager
def _listened_to(spark: SparkSession, listener: BatchListener) -> Iterator[None]:
    others = {query.runId for query in spark.streams.active}
    spark.streams.addListener(listener)
    try:
        yield
    finally:
        for query in spark.streams.active:
            if query.runId not in others:
                query.stop()
        spark.streams.removeListener(listener)


def _process_all_available(query: StreamingQuery) -> None:
    # A failed query keeps its exception, and `_end` raises it.
    with suppress(PySparkException, Py4JError, ConnectionError):
        query.processAllAvailable()


def _stop_behind_batch(query: StreamingQuery) -> None:
    """Stop the query as soon as no batch is under way, or the one at hand is done."""
    at_hand = _last_batch(query)
    pause = threading.Event()
    while query.isActive and query.status["isTriggerActive"] and _last_batch(query) == at_hand:
        pause.wait(_POLL_SECONDS)
    query.stop()


def _last_batch(query: StreamingQuery) -> str | None:
    progress = query.lastProgress
    return None if progress is None else str(progress["timestamp"])
