"""Parse the values of settings and of source options: text in, typed value out.

Every function raises ConfigError, which names what was expected and what was found. The caller
adds the name of the setting.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from jobs.errors import ConfigError

_UNITS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_DURATION = re.compile(r"(\d+) *([a-z]+?)s?", re.IGNORECASE)
_Value = TypeVar("_Value", int, timedelta)
# datetime.timedelta counts no more days.
_MAX_DAYS = timedelta.max.days


def parse_duration(text: str) -> timedelta:
    """`"10 minutes"` -> 10 minutes. Milliseconds, seconds, minutes, hours or days; with a unit."""
    match = _DURATION.fullmatch(text.strip())
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise ConfigError(f'expected a duration like "10 minutes", got {text!r}')
    try:
        return int(match[1]) * unit
    except (ValueError, OverflowError):  # Python parses no integer of more than 4300 digits
        raise ConfigError(f"expected at most {_MAX_DAYS} days, got {text!r}") from None


def parse_time(text: str) -> datetime:
    """`"2026-01-31T00:00:00Z"` -> that time, in UTC. The text must have an offset or Z."""
    expected = "expected an ISO 8601 time with an offset, like 2026-01-31T00:00:00Z"
    with suppress(ValueError, OverflowError):  # the UTC time may be in the year 0 or 10000
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    raise ConfigError(f"{expected}, got {text!r}")


def parse_boolean(text: str) -> bool:
    """`"true"` -> True, `"false"` -> False, in any case."""
    if text.lower() not in ("true", "false"):
        raise ConfigError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


def parse_integer(text: str) -> int:
    """`"1_000_000"` -> 1000000."""
    with suppress(ValueError):  # Python parses no integer of more than 4300 digits
        if re.fullmatch(r"-?[0-9]+(_[0-9]+)*", text):
            return int(text)
    raise ConfigError(f"expected a whole number, got {text!r}")


def format_duration(duration: timedelta) -> str:
    """10 minutes -> `"10 minutes"`: the largest unit that divides it, as `parse_duration` reads."""
    for name, unit in reversed(_UNITS.items()):
        if duration % unit == timedelta(0) and (duration or name == "second"):
            count = duration // unit
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return f"{duration // _UNITS['millisecond']} milliseconds"


def require_positive(name: str, duration: timedelta) -> None:
    """Raise ConfigError unless `duration` is greater than zero."""
    if duration <= timedelta(0):
        raise ConfigError(f"{name} must be greater than zero, got {duration}")


def require_at_least(least: _Value, name: str, value: _Value) -> None:
    """Raise ConfigError if `value` is less than `least`."""
    if value < least:
        raise ConfigError(f"{name} must be at least {least}, got {value}")


def require_known(owner: str, names: Mapping[str, object] | set[str], known: set[str]) -> None:
    """Raise ConfigError if `names` has one that is not `known`."""
    unknown = sorted(set(names) - known)
    if unknown:
        raise ConfigError(f"{owner}: unknown setting(s) {unknown}; known: {sorted(known)}")
