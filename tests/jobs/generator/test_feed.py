"""The feed: its rate, its ends, and an exact tally."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from jobs.errors import SourceError
from jobs.generator.feed import Feed
from jobs.generator.traffic import Mix, Record


class FakeTime(threading.Event):
    """A clock, and an event whose waits advance it instead of blocking."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()


def feed(put: Callable[[Sequence[Record]], None], time: FakeTime, **options: Any) -> Feed:
    return Feed(put, Mix(), clock=time.clock, stopping=time, **options)


def ignore(batch: Sequence[Record]) -> None:
    """Accept a batch."""


def test_a_feed_keeps_to_its_rate() -> None:
    time = FakeTime()
    limited = feed(ignore, time, rate=100, limit=1000)
    limited.run(lambda: None)
    assert time.now - 100.0 == pytest.approx(10.0)
    assert limited.rate_so_far() == pytest.approx(100.0)


def test_a_feed_ends_at_its_limit_or_its_duration() -> None:
    time = FakeTime()
    by_limit = feed(ignore, time, rate=1000, limit=1234)
    by_limit.run(lambda: None)
    by_duration = feed(ignore, time, rate=1000, duration=timedelta(seconds=3))
    by_duration.run(lambda: None)
    assert by_limit.tally.of() == 1234
    assert by_duration.tally.of() == 3000


def test_progress_is_reported_after_each_call() -> None:
    time = FakeTime()
    counts: list[int] = []
    limited = feed(ignore, time, rate=10_000, limit=1200)
    limited.run(lambda: counts.append(limited.tally.of()))
    assert counts == [500, 1000, 1200]


def test_a_stopped_feed_has_counted_exactly_what_was_put() -> None:
    time = FakeTime()
    put: list[Record] = []

    def put_and_stop(batch: Sequence[Record]) -> None:
        put.extend(batch)
        if len(put) > 1200:
            stopped.stop()

    stopped = feed(put_and_stop, time, rate=10_000)
    stopped.run(lambda: None)
    assert stopped.tally.of() == len(put) == 1500


def test_a_failed_call_is_not_counted() -> None:
    time = FakeTime()
    calls: list[Sequence[Record]] = []

    def put_once(batch: Sequence[Record]) -> None:
        calls.append(batch)
        if len(calls) == 2:
            raise SourceError("gone")

    failing = feed(put_once, time, rate=10_000)
    with pytest.raises(SourceError):
        failing.run(lambda: None)
    assert failing.tally.of() == 500
