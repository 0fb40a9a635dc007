"""Retries: how long each wait is, and how many calls are allowed."""

from dataclasses import dataclass, field

import pytest

from jobs.sources.kinesis.retry import Backoff, Budget


@dataclass
class Clock:
    """A clock that only `sleep` advances."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def test_waits_grow_to_a_bound_and_end_with_the_timeout() -> None:
    clock = Clock()
    backoff = Backoff(60, sleep=clock.sleep, clock=clock)
    while backoff.wait(is_known=True):
        pass
    assert 60 <= sum(clock.slept) <= 65
    assert clock.slept[0] <= 0.4
    assert 1.25 <= max(clock.slept) <= 5


def test_an_endpoint_that_never_answered_is_given_up_soon() -> None:
    """The error of a wrong address appears within seconds, not after the retry timeout."""
    clock = Clock()
    backoff = Backoff(60, sleep=clock.sleep, clock=clock)
    while backoff.wait(is_known=False):
        pass
    assert len(clock.slept) == 3


def test_an_endpoint_that_hangs_is_given_up_after_its_second_attempt() -> None:
    """Each attempt takes longer than the time in which an unknown endpoint must answer."""
    clock = Clock()
    backoff = Backoff(60, sleep=clock.sleep, clock=clock)
    assert backoff.wait(is_known=False)
    clock.now += 10
    assert not backoff.wait(is_known=False)


def test_a_budget_allows_a_burst_and_then_a_rate_on_each_shard() -> None:
    """Five calls at once, then one each fifth of a second. Other shards are independent."""
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


def test_a_budget_allows_only_one_burst_after_a_pause() -> None:
    clock = Clock()
    budget = Budget(5, sleep=clock.sleep, clock=clock)
    budget.take("shard-0")
    clock.now += 3600
    for _ in range(6):
        budget.take("shard-0")
    assert clock.slept == [pytest.approx(0.2)]


def test_a_budget_of_zero_is_no_limit() -> None:
    clock = Clock()
    budget = Budget(0, sleep=clock.sleep, clock=clock)
    for _ in range(100):
        budget.take("shard-0")
    assert clock.slept == []
