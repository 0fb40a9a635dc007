"""One small object on S3, written only if it is what the writer believes it to be.

S3 decides between concurrent writers: `If-None-Match: *` creates an object that must not exist, and
`If-Match` replaces the one that has this ETag
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from jobs.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Another write came first, was faster, or the object that should be replaced is gone.
_ABSENT = ("NoSuchKey", "404")
_NOT_WRITTEN = (
    *_ABSENT,
    *("PreconditionFailed", "ConditionalRequestConflict", "OperationAborted", "409", "412"),
)
# Credentials are renewed, clocks are corrected, and S3 recovers.
_PASSING = (
    *("SlowDown", "RequestTimeout", "RequestTimeTooSkewed"),
    *("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"),
)
_CREATORS = 8
_ADVICE = {
    "NoSuchBucket": "a bucket of the lake does not exist. Create it, or correct [lake]. ",
    "AccessDenied": "the lease of the lake needs s3:GetObject and s3:PutObject for this object, "
    "s3:ListBucket for its bucket, and s3:DeleteObject for `_lease-probe-*` beside it. ",
}


@dataclass(frozen=True)
class Written:
    """The text of an object, and the ETag that S3 gave to it."""

    text: str
    etag: str


class ConditionalObject:
    """An object that several programs read and write at once."""

    def __init__(self, connect: Callable[[], "S3Client"], bucket: str, key: str) -> None:
        """`connect` makes a client. After a fault another one is made: botocore looks for
        credentials once, and a client that found none stays broken."""
        self._connect, self._bucket, self._key = connect, bucket, key
        self._client: S3Client | None = None
        self.uri = f"s3://{bucket}/{key}"

    def read(self) -> Written | None:
        """The object as it is now, or None if it does not exist.

        Raises:
            StoreError: it cannot be read.
        """
        with self._requests(_ABSENT) as client:
            answer = client.get_object(Bucket=self._bucket, Key=self._key)
            return Written(answer["Body"].read().decode(), answer["ETag"])
        return None

    def create(self, text: str) -> bool:
        """Create it. Return False if it exists already.

        After a lost answer the write is tried again, and then finds its own object. So False does
        not mean that this call wrote nothing: read the object.

        Raises:
            StoreError: it is unknown whether the object was created.
        """
        return self._put(text, {"IfNoneMatch": "*"})

    def replace(self, text: str, etag: str) -> bool:
        """Replace it. Return False if its ETag is another one, or if it is gone; see `create`.

        Raises:
            StoreError: it is unknown whether the object was replaced.
        """
        return self._put(text, {"IfMatch": etag})

    def delete(self) -> None:
        """Delete it if it exists.

        Raises:
            StoreError: it is unknown whether the object was deleted.
        """
        with self._requests() as client:
            client.delete_object(Bucket=self._bucket, Key=self._key)

    def _put(self, text: str, condition: dict[str, Any]) -> bool:
        body = text.encode()
        with self._requests(_NOT_WRITTEN) as client:
            client.put_object(Bucket=self._bucket, Key=self._key, Body=body, **condition)
            return True
        return False

    @contextmanager
    def _requests(self, expected: tuple[str, ...] = ()) -> Iterator["S3Client"]:
        """The client. Errors with an `expected` code end the block, others are StoreErrors."""
        try:
            client = self._client or self._connect()
            self._client = client
            yield client
        except ClientError as error:
            if _code(error) not in expected:
                self._client = None
                raise StoreError.of(self.uri, error) from error
        except (BotoCoreError, OSError, ValueError) as error:
            self._client = None
            raise StoreError.of(self.uri, error) from error


class StoreError(Exception):
    """S3 did not answer, or refused. `may_pass`: the same request can succeed later."""

    may_pass = True

    @staticmethod
    def of(uri: str, error: Exception) -> "StoreError":
        """The error of a request for `uri`."""
        advice = _ADVICE.get(_code(error), "") if isinstance(error, ClientError) else ""
        found = StoreError(f"{uri}: {advice}{error}")
        if isinstance(error, ClientError):
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
            found.may_pass = status == 429 or status >= 500 or _code(error) in _PASSING
        return found


def may_pass(error: Exception) -> bool:
    """True if what failed with `error` can succeed later."""
    return isinstance(error, StoreError) and error.may_pass


def require_conditional_writes(make: Callable[[str], ConditionalObject]) -> None:
    """Try whether the store honours conditional writes, with an object that is deleted afterwards.

    Args:
        make: the object of a name.

    Raises:
        ConfigError: it does not.
        StoreError: it cannot be tried.
    """
    probe = make(f"_lease-probe-{uuid4().hex}")
    try:
        failed = _failed_promise(probe)
    finally:
        probe.delete()
    if failed:
        raise ConfigError(
            f"{probe.uri}: this store does not honour conditional writes: {failed}. So it cannot "
            "decide between two programs that write the lake at once, and a commit could be lost. "
            "Use a store that does, or set lake.lease = false and let only one program at a time "
            "write this lake"
        )


def _failed_promise(probe: ConditionalObject) -> str:
    with ThreadPoolExecutor(_CREATORS) as pool:
        created = [*pool.map(probe.create, map(str, range(_CREATORS)))]
    if created.count(True) != 1:
        return f"of {_CREATORS} writers with If-None-Match, {created.count(True)} created an object"
    first = probe.read()
    if first is None or first.text != str(created.index(True)):
        return "the object is not the one that was created"
    if not probe.replace("second", first.etag):
        return "If-Match with the right ETag was refused"
    if probe.replace("third", first.etag):
        return "If-Match with an old ETag replaced the object"
    return ""


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
