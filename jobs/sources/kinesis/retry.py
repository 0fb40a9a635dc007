"""Wait before a call is retried, and limit the rate of calls."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
# An endpoint that has never answered is probably wrong, so the user should see the error soon.
_ATTEMPTS_WITHOUT_ANSWER = 4
_SECONDS_WITHOUT_ANSWER = 5.0


@dataclass
class Backoff:
    """Waits between attempts: random up to a bound that doubles, which spreads readers out.

    `timeout` is in seconds, and counts from the first failure.
    """

    timeout: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _attempts: int = 0
    _failing_since: float = 0.0

    def wait(self, *, is_known: bool) -> bool:
        """Wait before the next attempt. Return False, without a wait, if there should be none.

        Args:
            is_known: the endpoint has answered before, or the fault is known to pass. Otherwise
                four attempts are made, and none after five seconds.
        """
        now = self.clock()
        if self._attempts == 0:
            self._failing_since = now
        self._attempts += 1
        failing = now - self._failing_since
        if failing >= self.timeout:
            return False
        if not is_known and (
            self._attempts >= _ATTEMPTS_WITHOUT_ANSWER or failing >= _SECONDS_WITHOUT_ANSWER
        ):
            return False
        bound = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**self._attempts)
        self.sleep(random.uniform(bound / 4, bound))
        return True


@dataclass
class Budget:
    """A token bucket for each shard: at most `per_second` calls per second, and as many at once.

    The driver and each executor have budgets of their own. If they and other consumers together
    exceed the limit of a shard, `Backoff` handles the throttling. 0 is no limit.
    """

    per_second: int
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _full_at: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, shard_id: str) -> None:
        """Wait until a call to the shard is allowed."""
        if self.per_second:
            wait = self._reserve(shard_id)
            if wait > 0:
                self.sleep(wait)

    def _reserve(self, shard_id: str) -> float:
        """Reserve the next free slot. Return the seconds until then, negative if it is free now.

        `_full_at` has the time at which the bucket of each shard is full again.
        """
        with self._lock:
            now = self.clock()
            full_at = max(now, self._full_at.get(shard_id, now)) + 1 / self.per_second
            self._full_at[shard_id] = full_at
            return full_at - now - 1.0
