"""How far the demo is, shown on one line, and when it ends."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jobs.config import Query
from jobs.generator import Tally
from jobs.metrics import Batch
from jobs.reporting import StatusLine

_POLL_SECONDS = 0.2
# A batch takes seconds, on a busy machine a minute. After this time without one, a record is lost.
_PATIENCE_SECONDS = 180.0


@dataclass
class Progress:
    """What has become of the records so far. Spark's thread adds the batches."""

    tally: Tally
    in_raw: int = 0
    stored: int = 0
    duplicates: int = 0
    quarantined: int = 0

    def add(self, batch: Batch) -> None:
        """Add a finished batch."""
        if batch.query == Query.INGEST:
            self.in_raw += batch.records
        elif batch.counts is not None:
            self.stored += batch.counts.stored
            self.duplicates += batch.duplicates + batch.counts.late_duplicates
            self.quarantined += batch.counts.quarantined

    @property
    def processed(self) -> int:
        """The number of records that are accounted for."""
        return self.stored + self.duplicates + self.quarantined

    def line(self, seconds: float) -> str:
        """`0:21  put 60,000  in raw 52,340  stored 41,230 …`"""
        rate = self.processed / seconds if seconds else 0.0
        return (
            f"  {int(seconds) // 60}:{int(seconds) % 60:02}  put {self.tally.of():,}"
            f"  in raw {self.in_raw:,}  stored {self.stored:,}  duplicates {self.duplicates:,}"
            f"  quarantined {self.quarantined:,}  {rate:,.0f}/s"
        )


class Watch(threading.Thread):
    """Shows the progress. Calls `end` when every record is accounted for, or when nothing has
    changed for minutes."""

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
        """Show the last state, and end the thread."""
        self._ending.set()
        if self.is_alive():
            self.join()
        self._line.done(self._progress.line(self._elapsed()))

    def run(self) -> None:
        """Run the thread."""
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
