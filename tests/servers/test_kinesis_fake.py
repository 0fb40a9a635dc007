"""The fake Kinesis behaves as the documentation of Kinesis says, seen through boto3."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.servers import FakeKinesis, fake_kinesis
from tests.servers.fake_faults import Kind
from tests.servers.fake_volume import event_of

STREAM = "clicks"
SHARD = "shardId-000000000000"
OTHER_STREAMS_NUMBER = "49680473682345329436111589224402326280940670587471134722"


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        yield running


@pytest.fixture
def kinesis(fake: FakeKinesis) -> Any:
    """A client, and a stream of one shard."""
    client = fake.client()
    client.create_stream(StreamName=STREAM, ShardCount=1)
    return client


def put(kinesis: Any, *records: bytes, key: str = "k") -> list[str]:
    """Sequence numbers of the records."""
    entries = [{"Data": data, "PartitionKey": key} for data in records]
    answer = kinesis.put_records(StreamName=STREAM, Records=entries)
    return [record["SequenceNumber"] for record in answer["Records"]]


def iterator(kinesis: Any, shard: str = SHARD, kind: str = "TRIM_HORIZON", **at: Any) -> str:
    answer = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard, ShardIteratorType=kind, **at
    )
    return str(answer["ShardIterator"])


def data(kinesis: Any, position: str, limit: int = 10_000) -> list[bytes]:
    answer = kinesis.get_records(ShardIterator=position, Limit=limit)
    return [record["Data"] for record in answer["Records"]]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_records_come_back_as_they_were_put(kinesis: Any) -> None:
    """Any bytes, in the order in which they were put, with their key and arrival time."""
    before = datetime.now(UTC)
    numbers = put(kinesis, b"first", b"", b"\xff\x00\xfe", b"x" * 2**20, key="kläsch")

    records = kinesis.get_records(ShardIterator=iterator(kinesis))["Records"]

    assert [r["Data"] for r in records] == [b"first", b"", b"\xff\x00\xfe", b"x" * 2**20]
    assert {r["PartitionKey"] for r in records} == {"kläsch"}
    assert [r["SequenceNumber"] for r in records] == numbers
    assert all(len(number) == 56 for number in numbers)
    arrivals = [r["ApproximateArrivalTimestamp"] for r in records]
    assert all(abs(arrival - before) < timedelta(minutes=1) for arrival in arrivals)


def test_each_kind_of_iterator_starts_where_it_says(kinesis: Any, fake: FakeKinesis) -> None:
    first, second, _ = put(kinesis, b"1", b"2", b"3")
    fake.advance_clock(timedelta(seconds=10))
    between = datetime.now(UTC) + timedelta(seconds=5)
    put(kinesis, b"4")

    starts = {
        "trim": iterator(kinesis),
        "at": iterator(kinesis, kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=second),
        "after": iterator(kinesis, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first),
        "time": iterator(kinesis, kind="AT_TIMESTAMP", Timestamp=between),
        "latest": iterator(kinesis, kind="LATEST"),
    }
    put(kinesis, b"5")

    assert {name: data(kinesis, start) for name, start in starts.items()} == {
        "trim": [b"1", b"2", b"3", b"4", b"5"],
        "at": [b"2", b"3", b"4", b"5"],
        "after": [b"2", b"3", b"4", b"5"],
        "time": [b"4", b"5"],
        "latest": [b"5"],
    }


def test_pages_hold_what_limit_and_10_mib_allow(kinesis: Any) -> None:
    put(kinesis, b"a", b"b", b"c")
    for _ in range(12):
        put(kinesis, b"x" * 2**20)

    small = kinesis.get_records(ShardIterator=iterator(kinesis), Limit=2)
    rest = kinesis.get_records(ShardIterator=small["NextShardIterator"])
    last = kinesis.get_records(ShardIterator=rest["NextShardIterator"])

    assert [len(answer["Records"]) for answer in (small, rest, last)] == [2, 10, 3]
    assert small["MillisBehindLatest"] > 0
    assert rest["MillisBehindLatest"] > 0
    assert last["MillisBehindLatest"] == 0


def test_a_closed_shard_ends_and_names_its_children(kinesis: Any) -> None:
    put(kinesis, b"old")
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    put(kinesis, b"new", key="0")  # MD5 cf…: the upper half

    end = kinesis.get_records(ShardIterator=iterator(kinesis))

    assert [record["Data"] for record in end["Records"]] == [b"old"]
    assert "NextShardIterator" not in end
    assert [child["ShardId"] for child in end["ChildShards"]] == [
        "shardId-000000000001",
        "shardId-000000000002",
    ]
    assert data(kinesis, iterator(kinesis, "shardId-000000000001")) == []
    assert data(kinesis, iterator(kinesis, "shardId-000000000002")) == [b"new"]


def test_a_merge_and_a_new_shard_count_keep_the_family_tree(kinesis: Any) -> None:
    def shards() -> dict[str, tuple[str | None, str | None, bool]]:
        return {
            shard["ShardId"][-2:]: (
                shard.get("ParentShardId", "")[-2:] or None,
                shard.get("AdjacentParentShardId", "")[-2:] or None,
                "EndingSequenceNumber" in shard["SequenceNumberRange"],
            )
            for shard in kinesis.list_shards(StreamName=STREAM)["Shards"]
        }

    def scale(count: int) -> None:
        kinesis.update_shard_count(
            StreamName=STREAM, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
        )

    scale(2)
    assert shards() == {
        "00": (None, None, True),
        "01": ("00", None, False),
        "02": ("00", None, False),
    }

    kinesis.merge_shards(
        StreamName=STREAM,
        ShardToMerge="shardId-000000000002",
        AdjacentShardToMerge="shardId-000000000001",
    )
    assert shards()["03"] == ("02", "01", False)

    scale(3)
    ranges = [
        (int(s["HashKeyRange"]["StartingHashKey"]), int(s["HashKeyRange"]["EndingHashKey"]))
        for s in kinesis.list_shards(StreamName=STREAM, ShardFilter={"Type": "AT_LATEST"})["Shards"]
    ]
    assert sorted(ranges) == [
        (0, 113427455640312821154458202477256070484),
        (113427455640312821154458202477256070485, 226854911280625642308916404954512140969),
        (226854911280625642308916404954512140970, 340282366920938463463374607431768211455),
    ]


def test_sequence_numbers_of_children_follow_those_of_parents(kinesis: Any) -> None:
    (before,) = put(kinesis, b"1")
    kinesis.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    (after,) = put(kinesis, b"2")

    closed = kinesis.list_shards(StreamName=STREAM)["Shards"][0]["SequenceNumberRange"]

    assert int(before) < int(closed["EndingSequenceNumber"]) < int(after)


def test_many_shards_are_listed_in_pages(fake: FakeKinesis) -> None:
    client = fake.client()
    client.create_stream(StreamName=STREAM, ShardCount=7)
    fake.list_shards_by(3)

    pages = [client.list_shards(StreamName=STREAM)]
    while "NextToken" in pages[-1]:
        pages.append(client.list_shards(NextToken=pages[-1]["NextToken"]))

    assert [len(page["Shards"]) for page in pages] == [3, 3, 1]
    assert len({shard["ShardId"] for page in pages for shard in page["Shards"]}) == 7


def test_a_trimmed_position_reads_on_silently_from_the_oldest_record(
    kinesis: Any, fake: FakeKinesis
) -> None:
    """The trap that the source must notice by itself."""
    first, second, _ = put(kinesis, b"1", b"2", b"3")
    fake.trim(STREAM, SHARD, second)

    after = iterator(kinesis, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=first)

    assert data(kinesis, after) == [b"3"]
    assert data(kinesis, iterator(kinesis)) == [b"3"]


def test_records_leave_after_the_retention_time(kinesis: Any, fake: FakeKinesis) -> None:
    put(kinesis, b"old")
    fake.advance_clock(timedelta(hours=23))
    put(kinesis, b"young")
    fake.advance_clock(timedelta(hours=2))

    assert data(kinesis, iterator(kinesis)) == [b"young"]

    kinesis.increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=48)
    summary = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]
    assert summary["RetentionPeriodHours"] == 48


def test_an_iterator_lives_for_five_minutes(kinesis: Any, fake: FakeKinesis) -> None:
    aged = iterator(kinesis)
    fake.advance_clock(timedelta(minutes=6))
    with pytest.raises(ClientError) as by_age:
        data(kinesis, aged)

    ordered = iterator(kinesis)
    fake.expire_iterators()
    with pytest.raises(ClientError) as by_order:
        data(kinesis, ordered)

    assert code(by_age) == code(by_order) == "ExpiredIteratorException"
    assert data(kinesis, iterator(kinesis)) == []


def test_arrival_times_can_go_back(kinesis: Any, fake: FakeKinesis) -> None:
    put(kinesis, b"1")
    fake.shift_arrivals(timedelta(seconds=-90))
    put(kinesis, b"2")

    one, two = kinesis.get_records(ShardIterator=iterator(kinesis))["Records"]

    back = one["ApproximateArrivalTimestamp"] - two["ApproximateArrivalTimestamp"]
    assert timedelta(seconds=80) < back < timedelta(seconds=91)


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
def test_an_error_comes_as_often_as_it_was_ordered(
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


def test_broken_answers(kinesis: Any, fake: FakeKinesis) -> None:
    """boto3 notices a reset; an answer that lacks its second half may pass without a word."""
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


def test_an_empty_answer_need_not_be_the_end(kinesis: Any, fake: FakeKinesis) -> None:
    put(kinesis, b"1")
    fake.fail(Kind.EMPTY)

    empty = kinesis.get_records(ShardIterator=iterator(kinesis))

    assert empty["Records"] == []
    assert empty["MillisBehindLatest"] > 0
    assert data(kinesis, empty["NextShardIterator"]) == [b"1"]


def test_the_limits_of_a_shard(kinesis: Any, fake: FakeKinesis) -> None:
    """Five reads at once pass, the sixth does not; nor does one after a page of 10 MiB."""
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


def test_a_filled_stream_serves_every_record_from_any_position(
    kinesis: Any, fake: FakeKinesis
) -> None:
    # boto3 sends whole seconds.
    before = datetime.now(UTC).replace(microsecond=0)
    fake.fill(STREAM, 25_000, record_bytes=322, span=timedelta(minutes=1))

    pages: list[dict[str, Any]] = []
    position = iterator(kinesis)
    while not pages or pages[-1]["MillisBehindLatest"]:
        pages.append(kinesis.get_records(ShardIterator=position))
        position = pages[-1]["NextShardIterator"]
    records = [record for page in pages for record in page["Records"]]
    number = records[12_344]["SequenceNumber"]
    probe = iterator(kinesis, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)
    half = before - timedelta(seconds=30)
    (timed,) = kinesis.get_records(
        ShardIterator=iterator(kinesis, kind="AT_TIMESTAMP", Timestamp=half), Limit=1
    )["Records"]

    assert [len(page["Records"]) for page in pages] == [10_000, 10_000, 5_000]
    assert len({record["SequenceNumber"] for record in records}) == 25_000
    assert {len(record["Data"]) for record in records} == {322}
    assert len({record["Data"] for record in records}) == 25_000
    assert data(kinesis, probe, limit=1) == [records[12_345]["Data"]]
    assert timed["ApproximateArrivalTimestamp"] >= half


def test_generated_events_differ_by_shard_and_index_alone() -> None:
    events = {event_of(shard, i, 1_700_000_000_000, 322) for shard in (0, 1) for i in range(100)}

    assert len(events) == 200
    assert event_of(1, 5, 1_700_000_000_000, 300) == (
        b'{"event_uuid":"00000001-0000-4000-8000-000000000005","event_name":"app.started",'
        b'"created_at":1699998599984,"user_id":6523,"session_id":"0004b7199c8600d1",'
        b'"amount":16.16,"country":"SE","note":"' + b"x" * 106 + b'"}'
    )
