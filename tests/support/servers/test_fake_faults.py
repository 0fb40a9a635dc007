"""The fake rejects invalid requests as AWS does, and fails, throttles and counts on request."""

import json
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.support.servers import FakeKinesis
from tests.support.servers.fake_faults import Kind
from tests.support.servers.one_shard import SHARD, STREAM, code, data, iterator, put

OTHER_STREAMS_NUMBER = "49680473682345329436111589224402326280940670587471134722"


@pytest.mark.parametrize(
    ("operation", "request_of", "expected"),
    [
        ("list_shards", {"StreamName": "absent"}, "ResourceNotFoundException"),
        ("create_stream", {"StreamName": STREAM, "ShardCount": 1}, "ResourceInUseException"),
        ("get_records", {"ShardIterator": "nonsense"}, "InvalidArgumentException"),
        (
            "get_shard_iterator",
            {
                "StreamName": STREAM,
                "ShardId": SHARD,
                "ShardIteratorType": "AT_SEQUENCE_NUMBER",
                "StartingSequenceNumber": OTHER_STREAMS_NUMBER,
            },
            "InvalidArgumentException",
        ),
        (
            "get_shard_iterator",
            {
                "StreamName": STREAM,
                "ShardId": SHARD,
                "ShardIteratorType": "AT_TIMESTAMP",
                "Timestamp": datetime(2100, 1, 1, tzinfo=UTC),
            },
            "InvalidArgumentException",
        ),
        (
            "get_shard_iterator",
            {"StreamName": STREAM, "ShardId": "shardId-9", "ShardIteratorType": "LATEST"},
            "ResourceNotFoundException",
        ),
    ],
)
def test_errors_have_the_names_of_aws(
    kinesis: Any, operation: str, request_of: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ClientError) as error:
        getattr(kinesis, operation)(**request_of)

    assert code(error) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.THROTTLED, "ProvisionedThroughputExceededException"),
        (Kind.LIMIT_EXCEEDED, "LimitExceededException"),
        (Kind.EXPIRED, "ExpiredIteratorException"),
        (Kind.DENIED, "AccessDeniedException"),
        (Kind.INTERNAL, "InternalFailure"),
        (Kind.UNAVAILABLE, "ServiceUnavailable"),
    ],
)
def test_an_error_occurs_as_often_as_requested(
    kinesis: Any, fake: FakeKinesis, kind: Kind, expected: str
) -> None:
    put(kinesis, b"1")
    start = iterator(kinesis)
    fake.fail(kind, times=2, skip=1)

    assert data(kinesis, start) == [b"1"]
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            data(kinesis, start)
        assert code(error) == expected
    assert data(kinesis, start) == [b"1"]


def test_a_broken_answer_is_reset_or_truncated(kinesis: Any, fake: FakeKinesis) -> None:
    """boto3 raises an error for a reset. It may not detect that half of an answer is missing."""
    put(kinesis, b"1")
    start = iterator(kinesis)
    body = json.dumps({"ShardIterator": start}).encode()
    headers = {"X-Amz-Target": "Kinesis_20131202.GetRecords"}

    def read() -> bytes:
        connection = HTTPConnection(fake.url.removeprefix("http://"))
        with closing(connection):
            connection.request("POST", "/", body, headers)
            return connection.getresponse().read()

    fake.fail(Kind.RESET)
    with pytest.raises(ConnectionClosedError):
        data(kinesis, start)
    fake.fail(Kind.TRUNCATED)
    with pytest.raises(IncompleteRead):
        read()
    fake.fail(Kind.HALF_JSON)
    with pytest.raises(ValueError, match="char"):
        json.loads(read())

    assert data(kinesis, start) == [b"1"]


def test_an_empty_answer_is_not_always_the_end(kinesis: Any, fake: FakeKinesis) -> None:
    put(kinesis, b"1")
    fake.fail(Kind.EMPTY)

    empty = kinesis.get_records(ShardIterator=iterator(kinesis))

    assert empty["Records"] == []
    assert empty["MillisBehindLatest"] > 0
    assert data(kinesis, empty["NextShardIterator"]) == [b"1"]


def test_the_limits_of_a_shard_count_calls_and_bytes(kinesis: Any, fake: FakeKinesis) -> None:
    """Five reads at once succeed, the sixth fails. So does a read after a page of 9 MiB."""
    start = iterator(kinesis)
    fake.limit_reads()
    for _ in range(5):
        data(kinesis, start)
    with pytest.raises(ClientError) as too_often:
        data(kinesis, start)
    assert fake.throttled() == 1

    fake.heal()
    put(kinesis, *[b"x" * 2**20] * 9)
    fake.limit_reads()
    data(kinesis, start)
    with pytest.raises(ClientError) as too_much:
        data(kinesis, start)

    assert code(too_often) == code(too_much) == "ProvisionedThroughputExceededException"


def test_calls_are_counted_by_shard(kinesis: Any, fake: FakeKinesis) -> None:
    start = iterator(kinesis)
    data(kinesis, start)
    data(kinesis, start)

    assert fake.calls() == {
        "CreateStream": {"": 1},
        "GetShardIterator": {SHARD: 1},
        "GetRecords": {SHARD: 2},
    }
    fake.reset_calls()
    assert fake.calls() == {}
