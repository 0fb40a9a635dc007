"""Put synthetic records on a stream at a steady rate."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from jobs.generator.producer import MAX_RECORDS_PER_CALL
from jobs.generator.traffic import Mix, Record, Tally, records

# At a low rate, one call sends the records that accumulate in this time.
_SECONDS_PER_CALL = 0.5


@dataclass
class Feed:
    """Passes synthetic records to `put` at a steady rate, until a limit or `stop` ends it.

    rate:      records per second, at most
    limit:     the number of records; None is no limit
    duration:  the time after which it ends; None is no limit
    tally:     the records that `put` has accepted; exact whenever and however the feed ends
    """

    put: Callable[[Sequence[Record]], None]
    mix: Mix
    rate: int
    limit: int | None = None
    duration: timedelta | None = None
    clock: Callable[[], float] = time.monotonic
    tally: Tally = field(default_factory=Tally)
    stopping: threading.Event = field(default_factory=threading.Event)
    _started: float = field(default=0.0, init=False)

    def stop(self) -> None:
        """End after the current call of `put`. Safe in any thread and in a signal handler."""
        self.stopping.set()

    def rate_so_far(self) -> float:
        """Records per second since the start."""
        return self.tally.of() / max(self.clock() - self._started, 0.001)

    def run(self, on_progress: Callable[[], None]) -> None:
        """Put all records. Call `on_progress` after each call of `put`."""
        self._started = self.clock()
        stream = islice(records(self.mix, now_ms), self.limit)
        at_once = max(1, min(MAX_RECORDS_PER_CALL, int(self.rate * _SECONDS_PER_CALL)))
        while not self._is_over():
            batch = list(islice(stream, at_once))
            if not batch:
                return
            self.put(batch)
            self.tally.add(batch)
            on_progress()
            due = self._started + self.tally.of() / self.rate
            self.stopping.wait(max(0.0, due - self.clock()))

    def _is_over(self) -> bool:
        elapsed = timedelta(seconds=self.clock() - self._started)
        return self.stopping.is_set() or (self.duration is not None and elapsed >= self.duration)


def now_ms() -> int:
    """The current time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
