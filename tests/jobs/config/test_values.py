"""Values of settings and of source options are parsed from text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.config.values import (
    format_duration,
    parse_boolean,
    parse_duration,
    parse_integer,
    parse_time,
    require_at_least,
    require_known,
    require_positive,
)
from jobs.errors import ConfigError

TOO_LONG = "9" * 5000


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("10 minutes", timedelta(minutes=10)),
        ("1 second", timedelta(seconds=1)),
        ("0 seconds", timedelta(0)),
        ("250 milliseconds", timedelta(milliseconds=250)),
        ("2hours", timedelta(hours=2)),
        ("  3   Days ", timedelta(days=3)),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, duration: timedelta) -> None:
    """The unit is in the singular or in the plural, in any case."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "10", "minutes", "1.5 hours", "-1 second", "10 weeks", "1 m", "1 minute 2 seconds"]
)
def test_another_text_is_no_duration(text: str) -> None:
    """The error has an example and the text."""
    with pytest.raises(ConfigError, match='expected a duration like "10 minutes", got '):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999999 days", f"{TOO_LONG} seconds"])
def test_a_duration_has_a_maximum(text: str) -> None:
    """It is that of Python."""
    with pytest.raises(ConfigError, match="expected at most 999999999 days, got"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "0 seconds"),
        (timedelta(milliseconds=1), "1 millisecond"),
        (timedelta(milliseconds=1500), "1500 milliseconds"),
        (timedelta(seconds=90), "90 seconds"),
        (timedelta(minutes=2), "2 minutes"),
        (timedelta(hours=24), "1 day"),
        (timedelta(hours=25), "25 hours"),
    ],
)
def test_a_duration_is_written_in_its_largest_unit(duration: timedelta, text: str) -> None:
    """Spark reads this text as well."""
    assert format_duration(duration) == text


@given(st.integers(min_value=0, max_value=10**14))
def test_a_duration_that_is_written_is_read_again(milliseconds: int) -> None:
    """To the millisecond."""
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T00:00:00Z", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T01:30:00+01:30", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31 00:00:00.5+00:00", datetime(2026, 1, 31, 0, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_a_time_has_an_offset_and_is_read_as_utc(text: str, time: datetime) -> None:
    """ISO 8601, with `T` or a space."""
    parsed = parse_time(text)
    assert (parsed, parsed.tzinfo) == (time, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-01-31",
        "2026-01-31T00:00:00",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_another_text_is_no_time(text: str) -> None:
    """Not even if only its UTC time is in a year that Python does not have."""
    with pytest.raises(ConfigError, match="expected an ISO 8601 time with an offset, like 2026"):
        parse_time(text)


def test_a_boolean_is_true_or_false() -> None:
    """In any case, but no other word."""
    assert [parse_boolean(text) for text in ("true", "FALSE", "True")] == [True, False, True]
    for text in ("", "yes", "1", "true "):
        with pytest.raises(ConfigError, match="expected true or false, got"):
            parse_boolean(text)


def test_a_whole_number_may_have_underscores() -> None:
    """As in Python and TOML: between two digits."""
    numbers = [parse_integer(text) for text in ("0", "-7", "1_000_000", "007")]
    assert numbers == [0, -7, 1_000_000, 7]
    for text in ("", "1.5", "many", "1__0", "1_", "_1", "--1", "1 ", "٣", TOO_LONG):
        with pytest.raises(ConfigError, match="expected a whole number, got"):
            parse_integer(text)


def test_bounds_are_named_with_the_value() -> None:
    """The caller gives the name of the setting."""
    require_positive("a.b", timedelta(microseconds=1))
    with pytest.raises(ConfigError, match=r"a\.b must be greater than zero, got 0:00:00"):
        require_positive("a.b", timedelta(0))
    require_at_least(1, "a.b", 1)
    with pytest.raises(ConfigError, match=r"a\.b must be at least 1, got 0"):
        require_at_least(1, "a.b", 0)


def test_unknown_names_are_listed_beside_the_known_ones() -> None:
    """Sorted, because a typing mistake is then found quickly."""
    require_known("once", {"window": 1}, {"window", "max_future"})
    message = r"once: unknown setting\(s\) \['a', 'b'\]; known: \['x', 'y'\]"
    with pytest.raises(ConfigError, match=message):
        require_known("once", {"b", "x", "a"}, {"y", "x"})
