"""When to call again, and how often one may call."""

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
_PASSING = THROTTLED | {"InternalFailure", "InternalFailureException", "RequestTimeout"}

_FIRST_WAIT = 0.2
_LONGEST_WAIT = 5.0
# An endpoint that has never answered is more likely wrong than ill: tell the user soon.
_CALLS_TO_A_STRANGER = 4


def error_code(error: Exception) -> str:
    """The code of an error answer; empty for anything else."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(error: Exception) -> bool:
    """Whether the same call may well succeed later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error_code(error) in _PASSING or status >= 500 or status == 429
    return isinstance(error, MalformedAnswerError) or is_unreachable(error)


def is_unreachable(error: Exception) -> bool:
    """Whether no answer came, or only a part of one."""
    return isinstance(
        error, ConnectionError | HTTPClientError | IncompleteReadError | ResponseStreamingError
    )


@dataclass
class Backoff:
    """Waits between attempts: random up to a bound that doubles, so that readers spread out."""

    timeout: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _attempts: int = 0
    _failing_since: float = 0.0

    def wait(self, *, is_known: bool) -> bool:
        """Wait before the next attempt; False if there should be none."""
        now = self.clock()
        if self._attempts == 0:
            self._failing_since = now
        self._attempts += 1
        if now - self._failing_since >= self.timeout:
            return False
        if not is_known and self._attempts >= _CALLS_TO_A_STRANGER:
            return False
        bound = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**self._attempts)
        self.sleep(random.uniform(bound / 4, bound))
        return True


@dataclass
class Budget:
    """At most `per_second` calls a second to each shard, and as many at once: a token bucket.

    The driver and the executors keep to it each on their own; that they share a shard's real
    limit with others is what Backoff is for. 0 is no limit.
    """

    per_second: int
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _free_at: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, shard_id: str) -> None:
        """Wait until a call to the shard is allowed."""
        if self.per_second:
            wait = self._reserve(shard_id)
            if wait > 0:
                self.sleep(wait)

    def _reserve(self, shard_id: str) -> float:
        """Book the next free slot; how long it is away. `_free_at` is when the bucket is full."""
        with self._lock:
            now = self.clock()
            full_at = max(now, self._free_at.get(shard_id, now)) + 1 / self.per_second
            self._free_at[shard_id] = full_at
            return full_at - now - 1.0
