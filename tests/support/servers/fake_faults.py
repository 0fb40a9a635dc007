"""The faults of the fake Kinesis, which a test requests, and the counts of calls.

A fault waits for calls of an operation (on a shard), and breaks the requested number of them.
"""

import random
import time
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum

from tests.support.servers.fake_streams import KinesisError

READS_PER_SECOND = 5
BYTES_PER_SECOND = 2 * 1024 * 1024


class Kind(StrEnum):
    """The answer that a call gets instead of, or after, being served."""

    THROTTLED = "throttled"
    LIMIT_EXCEEDED = "limit_exceeded"
    EXPIRED = "expired"
    DENIED = "denied"
    SIGNATURE_EXPIRED = "signature_expired"
    TOKEN_EXPIRED = "token_expired"
    UNKNOWN_KEY = "unknown_key"
    CREATING = "creating"
    TOKEN_OF_PAGE_EXPIRED = "token_of_page_expired"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    RESET = "reset"  # the connection is reset before the call is served
    TRUNCATED = "truncated"  # served, but the connection ends in the middle of the answer
    HALF_JSON = "half_json"  # served, but the answer is truncated, with a matching length
    EMPTY = "empty"  # GetRecords: no record, although there are some


ERRORS = {
    Kind.THROTTLED: KinesisError(
        "ProvisionedThroughputExceededException", "Rate exceeded for shard."
    ),
    Kind.LIMIT_EXCEEDED: KinesisError("LimitExceededException", "Rate exceeded for stream."),
    Kind.EXPIRED: KinesisError("ExpiredIteratorException", "Iterator expired."),
    Kind.DENIED: KinesisError("AccessDeniedException", "User is not authorized to perform this."),
    Kind.SIGNATURE_EXPIRED: KinesisError(
        "InvalidSignatureException",
        "Signature expired: 20260131T080000Z is now earlier than 20260131T080700Z "
        "(20260131T081200Z - 5 min.)",
    ),
    Kind.TOKEN_EXPIRED: KinesisError("ExpiredTokenException", "The security token has expired."),
    Kind.UNKNOWN_KEY: KinesisError("UnrecognizedClientException", "The token is invalid."),
    Kind.TOKEN_OF_PAGE_EXPIRED: KinesisError("ExpiredNextTokenException", "NextToken expired."),
    Kind.CREATING: KinesisError("ResourceInUseException", "Stream is not ACTIVE."),
    Kind.INTERNAL: KinesisError("InternalFailure", "Internal failure.", 500),
    Kind.UNAVAILABLE: KinesisError("ServiceUnavailable", "Unavailable.", 503),
}


@dataclass
class Fault:
    """Breaks the next `times` calls that fit, each with probability `rate`; all if times < 0."""

    kind: Kind
    operation: str
    shard: str = ""
    times: int = 1
    rate: float = 1.0
    skip: int = 0

    def fits(self, operation: str, shard: str) -> bool:
        return self.operation == operation and self.shard in ("", shard) and self.times != 0


class Faults:
    """The waiting faults, the limits of Kinesis if they are on, and the counts of calls."""

    def __init__(self, seed: int = 0) -> None:
        self.waiting: list[Fault] = []
        self.calls: Counter[tuple[str, str]] = Counter()
        self.throttled = 0
        self.limits_on = False
        self._random = random.Random(seed)
        self._limits: dict[tuple[str, str], ReadLimit] = {}

    def heal(self) -> None:
        """Remove all faults and limits."""
        self.waiting.clear()
        self._limits.clear()
        self.limits_on = False

    def take(self, operation: str, shard: str) -> None:
        """Raise ProvisionedThroughputExceededException if a call exceeds limits that are on."""
        limit = self._limit(operation, shard)
        if limit and not limit.take():
            self.throttled += 1
            raise ERRORS[Kind.THROTTLED]

    def pay(self, operation: str, shard: str, data_bytes: int) -> None:
        """Charge the bytes of an answer to the limits."""
        limit = self._limit(operation, shard)
        if limit:
            limit.pay(data_bytes)

    def next(self, operation: str, shard: str) -> Kind | None:
        """Count a call. Return the way in which it breaks, or None."""
        self.calls[operation, shard] += 1
        for fault in self.waiting:
            if fault.fits(operation, shard) and self._random.random() < fault.rate:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault.kind
        return None

    def _limit(self, operation: str, shard: str) -> "ReadLimit | None":
        if not self.limits_on or operation not in ("GetRecords", "GetShardIterator"):
            return None
        return self._limits.setdefault((operation, shard), ReadLimit())


class ReadLimit:
    """The limits of one shard: 5 calls and 2 MiB per second. A larger page blocks later calls."""

    def __init__(self) -> None:
        self._calls: deque[float] = deque(maxlen=READS_PER_SECOND)
        self._paid_until = 0.0

    def take(self) -> bool:
        """Count one more call if the limits allow it. Return whether they do."""
        now = time.monotonic()
        too_many = len(self._calls) == READS_PER_SECOND and now - self._calls[0] < 1
        if too_many or self._paid_until - now > 1:
            return False
        self._calls.append(now)
        return True

    def pay(self, data_bytes: int) -> None:
        now = time.monotonic()
        self._paid_until = max(self._paid_until, now) + data_bytes / BYTES_PER_SECOND
