"""How far the demo is: told by the batches, shown on one line, and when it is over."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jobs.generator.traffic import Tally
from jobs.metrics.listener import Batch
from jobs.reporting.status_line import StatusLine
from jobs.streaming import ingest

_POLL_SECONDS = 0.2
# A batch takes seconds, on a busy machine a minute; this long without one, a record is lost.
_PATIENCE_SECONDS = 180.0


@dataclass
class Progress:
    """What has become of the records so far. Batches are told on Spark's thread."""

    tally: Tally
    in_raw: int = 0
    stored: int = 0
    twins: int = 0
    quarantined: int = 0

    def add(self, batch: Batch) -> None:
        """Take in a finished batch."""
        if batch.query == ingest.NAME:
            self.in_raw += batch.records
        elif batch.counts is not None:
            self.stored += batch.counts.stored
            self.twins += batch.twins + batch.counts.late_twins
            self.quarantined += batch.counts.quarantined

    @property
    def processed(self) -> int:
        """Records that have an outcome."""
        return self.stored + self.twins + self.quarantined

    def line(self, seconds: float) -> str:
        """`0:21  put 60,000  in raw 52,340  stored 41,230 …`"""
        rate = self.processed / seconds if seconds else 0.0
        return (
            f"  {int(seconds) // 60}:{int(seconds) % 60:02}  put {self.tally.of():,}"
            f"  in raw {self.in_raw:,}  stored {self.stored:,}  twins {self.twins:,}"
            f"  quarantined {self.quarantined:,}  {rate:,.0f}/s"
        )


class Watch(threading.Thread):
    """Shows the progress, and calls `end` when every record that was put has an outcome,
    or when nothing has moved for minutes."""

    def __init__(
        self,
        progress: Progress,
        line: StatusLine,
        is_fed: Callable[[], bool],
        end: Callable[[], None],
    ) -> None:
        super().__init__(name="demo-watch", daemon=True)
        self._progress = progress
        self._line = line
        self._is_fed = is_fed
        self._end = end
        self._ending = threading.Event()
        self._begun_at = time.monotonic()

    def stop(self) -> None:
        """Show the last state, and end."""
        self._ending.set()
        if self.is_alive():
            self.join()
        self._line.done(self._progress.line(self._elapsed()))

    def run(self) -> None:
        """The thread's work."""
        moved_at, last = time.monotonic(), ""
        while not self._ending.wait(_POLL_SECONDS):
            self._line.show(self._progress.line(self._elapsed()))
            state = repr(self._progress)
            if state != last:
                moved_at, last = time.monotonic(), state
            if self._is_over() or time.monotonic() - moved_at > _PATIENCE_SECONDS:
                self._end()
                return

    def _is_over(self) -> bool:
        return self._is_fed() and self._progress.processed >= self._progress.tally.of()

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun_at
