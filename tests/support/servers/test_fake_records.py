"""The fake puts, finds, retains and trims records as the documentation of Kinesis describes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.servers import FakeKinesis
from tests.support.servers.one_shard import SHARD, STREAM, code, data, iterator, put


def test_records_are_returned_as_they_were_put(kinesis: Any) -> None:
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


def test_each_kind_of_iterator_starts_at_its_position(kinesis: Any, fake: FakeKinesis) -> None:
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


def test_pages_have_at_most_the_limit_and_10_mib(kinesis: Any) -> None:
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


def test_a_trimmed_position_continues_with_the_oldest_record(
    kinesis: Any, fake: FakeKinesis
) -> None:
    """There is no error, so the source must detect this itself."""
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


def test_arrival_times_can_decrease(kinesis: Any, fake: FakeKinesis) -> None:
    put(kinesis, b"1")
    fake.shift_arrivals(timedelta(seconds=-90))
    put(kinesis, b"2")

    one, two = kinesis.get_records(ShardIterator=iterator(kinesis))["Records"]

    back = one["ApproximateArrivalTimestamp"] - two["ApproximateArrivalTimestamp"]
    assert timedelta(seconds=80) < back < timedelta(seconds=91)
