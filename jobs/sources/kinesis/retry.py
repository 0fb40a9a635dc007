"""Decide when to retry a call, and limit the rate of calls."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)

from jobs.sources.kinesis.get_records import MalformedAnswerError

THROTTLED = frozenset(
    {
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
_TRANSIENT = THROTTLED | {"InternalFailure", "InternalFailureException", "RequestTimeout"}

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
# An endpoint that has never answered is probably wrong, so the user should see the error soon.
_ATTEMPTS_WITHOUT_ANSWER = 4


def error_code(error: Exception) -> str:
    """The code of an error answer; empty for anything else."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in _TRANSIENT or status >= 500 or status == 429
    return isinstance(error, MalformedAnswerError) or is_unreachable(error)


def is_unreachable(error: Exception) -> bool:
    """Whether no answer arrived, or only a part of one."""
    return isinstance(
        error, ConnectionError | HTTPClientError | IncompleteReadError | ResponseStreamingError
    )


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
            is_known: the endpoint has answered before.
        """
        now = self.clock()
        if self._attempts == 0:
            self._failing_since = now
        self._attempts += 1
        if now - self._failing_since >= self.timeout:
            return False
        if not is_known and self._attempts >= _ATTEMPTS_WITHOUT_ANSWER:
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
