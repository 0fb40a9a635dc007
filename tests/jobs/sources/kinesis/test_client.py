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


@pytest.mark.parametrize("ahead", [timedelta(minutes=7), timedelta(minutes=-7)])
def test_a_clock_that_differs_is_the_cause_of_rejected_signatures(
    fake: FakeKinesis, ahead: timedelta
) -> None:
    """The advice is about the clock, not about the credentials."""
    fake.advance_clock(ahead)
    fake.fail(Kind.SIGNATURE_EXPIRED, "ListShards", times=-1)
    direction = "behind" if ahead > timedelta(0) else "ahead of"
    message = rf"the clock of this machine is 7 minutes {direction} that of AWS; correct it \(NTP\)"
    with pytest.raises(SourceError, match=message):
        client_of(fake, retryTimeout="0 seconds").shards()


@pytest.mark.parametrize(
    "kind", [Kind.SIGNATURE_EXPIRED, Kind.UNAVAILABLE, Kind.THROTTLED, Kind.CREATING]
)
def test_a_fault_that_passes_is_retried_at_the_start_as_long_as_later(
    fake: FakeKinesis, kind: Kind
) -> None:
    """More often than an address that never answers."""
    fake.fail(kind, "ListShards", times=10)
    client = client_of(fake)
    client.sleep = lambda _: None
    client.shards()
    assert fake.count("ListShards") == 11


def test_rejected_credentials_are_reported_soon_at_the_start(fake: FakeKinesis) -> None:
    """They are probably wrong, if they have never worked."""
    fake.fail(Kind.UNKNOWN_KEY, "ListShards", times=-1)
    client = client_of(fake)
    client.sleep = lambda _: None
    with pytest.raises(SourceError, match="AWS rejects these credentials; renew or correct them"):
        client.shards()
    assert fake.count("ListShards") == 4


def test_a_listing_whose_next_page_expires_begins_again(fake: FakeKinesis) -> None:
    """Tokens live for five minutes, and a page may be retried for longer."""
    fake.list_shards_by(1)
    fake.fail(Kind.TOKEN_OF_PAGE_EXPIRED, "ListShards", skip=1)
    assert sorted(client_of(fake).shards()) == list(SHARDS)


def test_a_stream_may_be_given_by_its_arn(fake: FakeKinesis) -> None:
    """In each of the calls, also for the following pages of shards and records."""
    (number,) = put(fake, 0, b"1")
    fake.list_shards_by(1)
    arn = f"arn:aws:kinesis:us-east-1:000000000000:stream/{STREAM}"
    client = client_of(fake, stream=arn)
    fake.require_arn(arn)
    assert sorted(client.shards()) == list(SHARDS)
    assert client.retention_ms() == 24 * 3_600_000
    assert client.created_ms() is not None
    assert read(client, StartingPoint.at(number)) == [b"1"]


def test_a_missing_permission_to_describe_the_stream_hides_its_creation(fake: FakeKinesis) -> None:
    fake.fail(Kind.DENIED, "DescribeStreamSummary")
    assert client_of(fake).created_ms() is None


def test_a_stream_is_required_before_spark_starts(fake: FakeKinesis) -> None:
    """An invalid option and a missing stream are reported."""
    require_stream(options_of(fake))
    with pytest.raises(ConfigError, match="option 'tipLag'"):
        require_stream(options_of(fake, tipLag="soon"))
    with pytest.raises(SourceError, match=r"stream 'absent' in us-east-1.*no such stream"):
        require_stream(options_of(fake, stream="absent"))
