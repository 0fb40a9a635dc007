"""The settings of `with_reasons`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from transforms.errors import InvalidSettingError
from transforms.parsing import MAX_RECORD_BYTES

EVENT_NAME_PATTERN = "[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*"


@dataclass(frozen=True)
class CheckLimits:
    """The limits of a valid event.

    created_at_floor:   earlier events are rejected.
    max_future:         an event whose created_at is later than its arrival by more is rejected.
    max_record_bytes:   larger records are rejected without being parsed.
    event_name_pattern: a Java regular expression that the whole name must match.

    Raises:
        InvalidSettingError: a limit is invalid.
    """

    created_at_floor: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    max_future: timedelta = timedelta(minutes=5)
    max_record_bytes: int = MAX_RECORD_BYTES
    event_name_pattern: str = EVENT_NAME_PATTERN

    def __post_init__(self) -> None:
        if self.created_at_floor.tzinfo is None:
            raise _invalid("created_at_floor", "a time zone", self.created_at_floor)
        if self.max_future < timedelta(0):
            raise _invalid("max_future", "a duration of 0 or more", self.max_future)
        if self.max_record_bytes < 1:
            raise _invalid("max_record_bytes", "at least 1", self.max_record_bytes)
        try:
            re.compile(self.event_name_pattern)
        except re.error as error:
            expected = f"a regular expression ({error})"
            raise _invalid("event_name_pattern", expected, self.event_name_pattern) from error


def _invalid(setting: str, expected: str, found: object) -> InvalidSettingError:
    return InvalidSettingError(f"CheckLimits({setting})", expected, found)


DEFAULT_LIMITS = CheckLimits()
