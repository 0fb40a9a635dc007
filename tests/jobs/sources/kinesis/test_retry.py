"""When to call again, and how often one may call."""

from dataclasses import dataclass, field

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from jobs.sources.kinesis.client_errors import explained
from jobs.sources.kinesis.get_records import MalformedAnswerError
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.retry import Backoff, Budget, is_passing


@dataclass
class Clock:
    """Time that passes by sleeping only."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def answered(code: str, status: int = 400) -> ClientError:
    error = {"Code": code, "Message": "told\nso"}
    return ClientError(
        {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetRecords"
    )


UNREACHABLE = EndpointConnectionError(endpoint_url="http://nowhere")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (answered("ProvisionedThroughputExceededException"), True),
        (answered("LimitExceededException"), True),
        (answered("InternalFailureException"), True),
        (answered("ServiceUnavailable", 503), True),
        (answered("", 429), True),
        (UNREACHABLE, True),
        (ReadTimeoutError(endpoint_url="http://slow"), True),
        (MalformedAnswerError(), True),
        (answered("ResourceNotFoundException"), False),
        (answered("AccessDeniedException"), False),
        (answered("ExpiredTokenException"), False),
        (NoCredentialsError(), False),
        (NoRegionError(), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error, passes):
    assert is_passing(error) is passes


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (answered("ResourceNotFoundException"), "check its name and region, or create it"),
        (answered("AccessDeniedException"), "allow kinesis:ListShards, GetShardIterator, GetReco"),
        (answered("UnrecognizedClientException"), "renew or correct them"),
        (answered("LimitExceededException"), "lower 'readsPerSecond'"),
        (answered("Odd"), "Kinesis failed (Odd: told so)"),
        (UNREACHABLE, "check region, 'endpointUrl' and network"),
        (NoCredentialsError(), "set up a role, a profile or AWS_ACCESS_KEY_ID"),
        (NoRegionError(), "set option 'region' or AWS_REGION"),
    ],
)
def test_what_is_left_is_told_in_one_line_with_what_to_do(error, told):
    options = KinesisOptions.parse({"stream": "events", "endpointUrl": "http://localhost:1"})
    text = str(explained(error, options))
    assert text.startswith("stream 'events' in the default region at http://localhost:1: ")
    assert told in text
    assert "\n" not in text


def test_waits_grow_to_a_bound_and_end_with_the_timeout():
    clock = Clock()
    backoff = Backoff(60, sleep=clock.sleep, clock=clock)
    while backoff.wait(is_known=True):
        pass
    assert 60 <= sum(clock.slept) <= 65
    assert clock.slept[0] <= 0.4
    assert 1.25 <= max(clock.slept) <= 5


def test_a_stranger_is_given_up_soon():
    """A wrong address shows within seconds, not after the retry timeout."""
    clock = Clock()
    backoff = Backoff(60, sleep=clock.sleep, clock=clock)
    while backoff.wait(is_known=False):
        pass
    assert len(clock.slept) == 3


def test_a_budget_allows_a_burst_and_then_a_rate_on_each_shard():
    """Five calls at once, then one each fifth of a second; other shards are free."""
    clock = Clock()
    budget = Budget(5, sleep=clock.sleep, clock=clock)
    for _ in range(5):
        budget.take("shard-0")
    assert clock.slept == []
    for _ in range(10):
        budget.take("shard-0")
    assert sum(clock.slept) == pytest.approx(2.0)
    budget.take("shard-1")
    assert len(clock.slept) == 10


def test_a_rested_budget_allows_no_more_than_a_burst():
    clock = Clock()
    budget = Budget(5, sleep=clock.sleep, clock=clock)
    budget.take("shard-0")
    clock.now += 3600
    for _ in range(6):
        budget.take("shard-0")
    assert clock.slept == [pytest.approx(0.2)]


def test_a_budget_of_zero_is_no_limit():
    clock = Clock()
    budget = Budget(0, sleep=clock.sleep, clock=clock)
    for _ in range(100):
        budget.take("shard-0")
    assert clock.slept == []
