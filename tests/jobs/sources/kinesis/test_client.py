"""The calls to Kinesis: pages of shards, starting points, the stream's clock, and retries."""

import time
from datetime import timedelta

import pytest

from jobs.errors import ConfigError, SourceError
from jobs.sources.kinesis.client import (
    ExpiredIteratorError,
    KinesisClient,
    RefusedStartError,
    require_stream,
)
from jobs.sources.kinesis.model import Shard, StartingPoint
from jobs.sources.kinesis.options import KinesisOptions
from tests.support.kinesis.numbered import SHARDS, STREAM, put
from tests.support.servers import FakeKinesis
from tests.support.servers.fake_faults import Kind
from tests.support.servers.server import REGION


def options_of(fake: FakeKinesis, **more: str) -> dict[str, str]:
    return {"stream": STREAM, "region": REGION, "endpointUrl": fake.url, **more}


def client_of(fake: FakeKinesis, **more: str) -> KinesisClient:
    return KinesisClient(KinesisOptions.parse(options_of(fake, **more)))


def read(client: KinesisClient, start: StartingPoint) -> list[bytes]:
    """The records of the first shard from `start` on, in one answer."""
    return client.records(SHARDS[0], client.iterator(SHARDS[0], start), 100).records.data


def test_all_pages_of_shards_are_listed(fake: FakeKinesis) -> None:
    fake.client().split_shard(
        StreamName=STREAM, ShardToSplit=SHARDS[0], NewStartingHashKey=str(2**126)
    )
    fake.list_shards_by(1)
    children = ("shardId-000000000002", "shardId-000000000003")
    assert client_of(fake).shards() == {
        SHARDS[0]: Shard(SHARDS[0], is_closed=True),
        SHARDS[1]: Shard(SHARDS[1]),
        **{child: Shard(child, parents=(SHARDS[0],)) for child in children},
    }


def test_each_starting_point_selects_its_records(fake: FakeKinesis) -> None:
    """A time is exact to the millisecond."""
    first, _ = put(fake, 0, b"1", b"2")
    fake.advance_clock(timedelta(seconds=10))
    put(fake, 0, b"3")
    client = client_of(fake)
    page = client.records(SHARDS[0], client.iterator(SHARDS[0], StartingPoint.at(first)), 100)
    arrived_ms = page.records.arrived_us[-1] // 1000
    starts = {
        "horizon": StartingPoint.trim_horizon(),
        "at": StartingPoint.at(first),
        "after": StartingPoint.after(first),
        "time": StartingPoint.at_time(arrived_ms),
        "a millisecond later": StartingPoint.at_time(arrived_ms + 1),
    }
    fake.advance_clock(timedelta(seconds=10))
    assert {name: read(client, start) for name, start in starts.items()} == {
        "horizon": [b"1", b"2", b"3"],
        "at": [b"1", b"2", b"3"],
        "after": [b"2", b"3"],
        "time": [b"3"],
        "a millisecond later": [],
    }


def test_a_rejected_starting_point_has_its_own_error(fake: FakeKinesis) -> None:
    client = client_of(fake)
    for start in (StartingPoint.at("1"), StartingPoint.at_time(client.now_ms() + 3_600_000)):
        with pytest.raises(RefusedStartError):
            client.iterator(SHARDS[0], start)


def test_an_expired_iterator_has_its_own_error(fake: FakeKinesis) -> None:
    client = client_of(fake)
    iterator = client.iterator(SHARDS[0], StartingPoint.trim_horizon())
    fake.expire_iterators()
    with pytest.raises(ExpiredIteratorError):
        client.records(SHARDS[0], iterator, 1)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_times_are_those_of_the_stream(fake: FakeKinesis, ahead: timedelta) -> None:
    """The clock of the driver may differ from that of Kinesis."""
    fake.advance_clock(ahead)
    client = client_of(fake)
    client.shards()
    expected_ms = time.time() * 1000 + ahead.total_seconds() * 1000
    assert client.now_ms() == pytest.approx(expected_ms, abs=5_000)


def test_the_retention_is_that_of_the_stream(fake: FakeKinesis) -> None:
    fake.client().increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=48)
    assert client_of(fake).retention_ms() == 48 * 3_600_000


def test_a_call_is_retried_until_the_retry_timeout(fake: FakeKinesis) -> None:
    fake.fail(Kind.THROTTLED, "ListShards", times=-1)
    with pytest.raises(SourceError, match="throttled for longer than option 'retryTimeout' allows"):
        client_of(fake, retryTimeout="1 second").shards()
    assert fake.count("ListShards") > 1


def test_a_stream_is_required_before_spark_starts(fake: FakeKinesis) -> None:
    """An invalid option and a missing stream are reported."""
    require_stream(options_of(fake))
    with pytest.raises(ConfigError, match="option 'tipLag'"):
        require_stream(options_of(fake, tipLag="soon"))
    with pytest.raises(SourceError, match=r"stream 'absent' in us-east-1.*no such stream"):
        require_stream(options_of(fake, stream="absent"))
