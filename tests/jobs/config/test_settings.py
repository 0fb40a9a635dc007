"""The sections check their values, also when Python makes them."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.config.locations import Lake, Source
from jobs.config.settings import Checks, Once, Process, Query, Settings, Stream
from jobs.errors import ConfigError
from transforms.validation import CheckLimits

MINUTE = timedelta(minutes=1)


def test_the_limits_of_the_checks_come_from_two_sections() -> None:
    """`once.max_future` is a limit of the checks as well."""
    floor = datetime(2020, 1, 1, tzinfo=UTC)
    settings = Settings(
        source=Source(stream="events"),
        lake=Lake(raw="raw", processed="processed", checkpoints="checkpoints"),
        once=Once(window=4 * MINUTE, max_future=2 * MINUTE),
        checks=Checks(created_at_floor=floor, max_record_bytes=100, event_name_pattern="[a-z]+"),
    )
    assert settings.limits == CheckLimits(
        created_at_floor=floor,
        max_future=2 * MINUTE,
        max_record_bytes=100,
        event_name_pattern="[a-z]+",
    )


@pytest.mark.parametrize("max_future", [timedelta(0), MINUTE, 2 * MINUTE])
def test_an_event_may_be_from_the_future_by_half_of_the_window(max_future: timedelta) -> None:
    """Then the state still contains it when its duplicate arrives."""
    assert Once(window=4 * MINUTE, max_future=max_future).max_future == max_future


@pytest.mark.parametrize("max_future", [-MINUTE, 3 * MINUTE])
def test_no_event_may_be_from_a_later_future(max_future: timedelta) -> None:
    """The error says why."""
    message = r"at most half of once\.window \(0:04:00\), got .*before its duplicate arrives"
    with pytest.raises(ConfigError, match=message):
        Once(window=4 * MINUTE, max_future=max_future)


@pytest.mark.parametrize("size", ["512m", "1g", "100", "64mb", "2t"])
def test_a_size_has_a_unit_that_spark_reads(size: str) -> None:
    """Without one it is bytes."""
    assert Process(max_bytes_per_batch=size).max_bytes_per_batch == size


@pytest.mark.parametrize("size", ["", "0", "lots", "1.5g", "512 m", "-1m"])
def test_another_text_is_no_size(size: str) -> None:
    """The error has an example."""
    with pytest.raises(ConfigError, match='expected a size like "512m", got'):
        Process(max_bytes_per_batch=size)


def test_a_trigger_is_longer_than_zero() -> None:
    """A run with `--once` does not use it."""
    with pytest.raises(ConfigError, match=r"stream\.trigger must be greater than zero"):
        Stream(trigger=timedelta(0))


def test_a_query_is_its_name() -> None:
    """In the log, in checkpoint paths and in the applications of commits."""
    assert [f"{query}" for query in Query] == ["ingest", "process"]
