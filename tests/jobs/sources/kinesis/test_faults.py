"""Faults: their classes, and the source on a fake server that fails or cannot be reached.

`reading.Query` calls the source, without Spark.
"""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from jobs.errors import SourceError
from jobs.sources.kinesis.faults import THROTTLED, TRANSIENT, Fault, fault_of
from jobs.sources.kinesis.get_records import MalformedAnswerError
from tests.support.kinesis.errors import UNREACHABLE, answered
from tests.support.kinesis.numbered import SHARDS, STREAM, by_shard, numbered, put_numbered
from tests.support.kinesis.reading import Query, positions
from tests.support.servers import FakeKinesis, Server
from tests.support.servers.fake_faults import Kind

EXPIRED = (
    "Signature expired: 20260131T080000Z is now earlier than 20260131T080700Z "
    "(20260131T081200Z - 5 min.)"
)
NOT_YET = (
    "Signature not yet current: 20260131T081700Z is still later than 20260131T081500Z "
    "(20260131T081000Z + 5 min.)"
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("ProvisionedThroughputExceededException"), Fault.PASSING),
        (answered("LimitExceededException"), Fault.PASSING),
        (answered("KMSThrottlingException"), Fault.PASSING),
        (answered("InternalFailureException"), Fault.PASSING),
        (answered("ServiceUnavailable", 503), Fault.PASSING),
        (answered("", 429), Fault.PASSING),
        (UNREACHABLE, Fault.PASSING),
        (ReadTimeoutError(endpoint_url="http://slow"), Fault.PASSING),
        (MalformedAnswerError(), Fault.PASSING),
        (answered("InvalidSignatureException", message=EXPIRED), Fault.PASSING),
        (answered("InvalidSignatureException", message=NOT_YET), Fault.PASSING),
        (answered("SignatureDoesNotMatch", message=EXPIRED), Fault.PASSING),
        (answered("RequestExpired"), Fault.PASSING),
        (answered("RequestTimeTooSkewed", 403), Fault.PASSING),
        (answered("RequestInTheFuture"), Fault.PASSING),
        (answered("IDPCommunicationError", operation="AssumeRole"), Fault.PASSING),
        (answered("ResourceInUseException", operation="ListShards"), Fault.PASSING),
        (answered("InvalidSignatureException"), Fault.DOUBTFUL),
        (answered("ExpiredTokenException"), Fault.DOUBTFUL),
        (answered("ExpiredToken", 403, operation="AssumeRole"), Fault.DOUBTFUL),
        (answered("UnrecognizedClientException"), Fault.DOUBTFUL),
        (answered("InvalidClientTokenId", 403), Fault.DOUBTFUL),
        (NoCredentialsError(), Fault.DOUBTFUL),
        (CredentialRetrievalError(provider="iam-role", error_msg="no answer"), Fault.DOUBTFUL),
        (MetadataRetrievalError(error_msg="no answer"), Fault.DOUBTFUL),
        (UnauthorizedSSOTokenError(), Fault.DOUBTFUL),
        (answered("ResourceNotFoundException"), Fault.FINAL),
        (answered("ResourceInUseException", operation="CreateStream"), Fault.FINAL),
        (answered("AccessDeniedException"), Fault.FINAL),
        (answered("AccessDenied", 403, operation="AssumeRole"), Fault.FINAL),
        (answered("ValidationException"), Fault.FINAL),
        (NoRegionError(), Fault.FINAL),
    ],
)
def test_a_fault_passes_or_may_pass_or_needs_a_user(error: Exception, expected: Fault) -> None:
    assert fault_of(error) is expected


def test_every_code_that_botocore_retries_is_retried() -> None:
    """If botocore adds a code to its lists, it is missing here."""
    throttled: Any = ThrottledRetryableChecker
    transient: Any = TransientRetryableChecker
    assert set(throttled._THROTTLED_ERROR_CODES) <= THROTTLED
    assert set(transient._TRANSIENT_ERROR_CODES) <= TRANSIENT
    for status in transient._TRANSIENT_STATUS_CODES:
        assert fault_of(answered("", status)) is Fault.PASSING


@pytest.mark.parametrize("operation", ["ListShards", "GetShardIterator", "GetRecords"])
@pytest.mark.parametrize(
    "kind",
    [
        Kind.THROTTLED,
        Kind.LIMIT_EXCEEDED,
        Kind.INTERNAL,
        Kind.UNAVAILABLE,
        Kind.RESET,
        Kind.TRUNCATED,
        Kind.HALF_JSON,
        Kind.SIGNATURE_EXPIRED,
    ],
)
def test_transient_failures_lose_and_repeat_nothing(
    fake: FakeKinesis, kind: Kind, operation: str
) -> None:
    """In the first calls of a plan, and later, after some calls have succeeded."""
    put_numbered(fake, 0, 20)
    fake.limit_pages(7)

    fake.fail(kind, operation, times=2)
    query = Query(fake, STREAM)
    query.batch()
    put_numbered(fake, 20, 40)
    fake.fail(kind, operation, times=2, skip=5)
    query.drain()

    assert by_shard(query.rows) == numbered(0, 40)
    assert len(positions(query.rows)) == 80


@pytest.mark.parametrize("kind", [Kind.TOKEN_EXPIRED, Kind.UNKNOWN_KEY])
def test_credentials_that_are_rejected_for_a_while_lose_nothing(
    fake: FakeKinesis, kind: Kind
) -> None:
    """On the driver after its first answer, and on an executor with a client of its own."""
    put_numbered(fake, 0, 10)
    query = Query(fake, STREAM)
    query.plan()
    for operation in ("ListShards", "GetShardIterator", "GetRecords"):
        fake.fail(kind, operation, times=2)

    query.drain()

    assert by_shard(query.rows) == numbered(0, 10)


def test_a_storm_of_throttling_and_failures_loses_nothing(fake: FakeKinesis) -> None:
    """A third of all calls fails while the query runs."""
    put_numbered(fake, 0, 40)
    fake.limit_pages(10)
    for kind in (Kind.THROTTLED, Kind.RESET, Kind.EMPTY):
        fake.fail(kind, times=-1, rate=0.12)
    query = Query(fake, STREAM)

    query.drain()

    assert by_shard(query.rows) == numbered(0, 40)


def test_the_limits_of_kinesis_lose_nothing(fake: FakeKinesis) -> None:
    """Kinesis allows 5 reads per second and shard. The reader only becomes slower."""
    put_numbered(fake, 0, 30)
    fake.limit_reads()
    fake.limit_pages(5)
    query = Query(fake, STREAM, readsPerSecond="5")

    query.drain()

    assert by_shard(query.rows) == numbered(0, 30)


def test_empty_answers_do_not_count_as_the_end(fake: FakeKinesis) -> None:
    """In a plan, while reading, and in a closed shard."""
    put_numbered(fake, 0, 10)
    fake.client().split_shard(
        StreamName=STREAM, ShardToSplit=SHARDS[0], NewStartingHashKey=str(2**126)
    )
    fake.limit_pages(4)
    fake.fail(Kind.EMPTY, times=3)
    query = Query(fake, STREAM)
    query.batch()
    fake.fail(Kind.EMPTY, times=3, skip=2)
    query.drain()

    assert by_shard(query.rows) == numbered(0, 10)


def test_an_expired_iterator_is_replaced_after_the_last_record(fake: FakeKinesis) -> None:
    put_numbered(fake, 0, 30)
    fake.limit_pages(4)
    fake.fail(Kind.EXPIRED, times=2, skip=1)
    query = Query(fake, STREAM)
    end = query.plan()
    fake.fail(Kind.EXPIRED, times=5, skip=3)

    rows = query.read(query.offset, end)

    assert by_shard(rows) == numbered(0, 30)


def test_expired_iterators_of_an_idle_query_are_replaced(fake: FakeKinesis) -> None:
    """An iterator that the driver keeps from plan to plan may be older than five minutes."""
    put_numbered(fake, 0, 5)
    query = Query(fake, STREAM)
    query.drain()
    fake.expire_iterators()
    query.plan()
    fake.expire_iterators()
    put_numbered(fake, 5, 10)

    query.drain()

    assert by_shard(query.rows) == numbered(0, 10)


def test_a_clock_ahead_of_kinesis_is_no_failure(fake: FakeKinesis) -> None:
    """Kinesis rejects future timestamps. The tip is then found by other means."""
    fake.advance_clock(timedelta(seconds=-30))
    put_numbered(fake, 0, 10)
    query = Query(fake, STREAM)

    query.drain()

    assert by_shard(query.rows) == numbered(0, 10)


@pytest.mark.parametrize(
    ("stream", "broken", "expected"),
    [
        ("absent", None, "absent"),
        (STREAM, ("ListShards", Kind.DENIED), "ListShards"),
        (STREAM, ("GetShardIterator", Kind.DENIED), "GetShardIterator"),
        (STREAM, ("GetRecords", Kind.DENIED), "GetRecords"),
    ],
)
def test_an_error_that_a_user_must_fix_has_one_line(
    fake: FakeKinesis, stream: str, broken: tuple[str, Kind] | None, expected: str
) -> None:
    put_numbered(fake, 0, 1)
    if broken:
        fake.fail(broken[1], broken[0], times=-1)

    with pytest.raises(SourceError) as error:
        Query(fake, stream).drain()

    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_the_error_of_an_unreachable_endpoint_names_it(fake: FakeKinesis) -> None:
    nobody = Server("nobody", "http://127.0.0.1:9")

    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9"):
        Query(nobody, STREAM, retryTimeout="1 second").drain()
