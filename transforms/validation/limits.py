"""What an event may look like at most: the settings of `with_reasons`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from transforms.errors import InvalidSettingError
from transforms.parsing.records import MAX_RECORD_BYTES

EVENT_NAME_PATTERN = "[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*"


@dataclass(frozen=True)
class CheckLimits:
    """What an event may look like.

    created_at_floor: earlier events are rejected.
    max_future:       how much later than its arrival an event may say that it was created.
    max_record_bytes: larger records are rejected unread.
    event_name_pattern: the whole name must match (Java regular expression).
    max_event_name_chars: longer names are rejected; object stores limit the length of a path.

    Raises:
        InvalidSettingError: for limits that cannot be met.
    """

    created_at_floor: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    max_future: timedelta = timedelta(minutes=5)
    max_record_bytes: int = MAX_RECORD_BYTES
    event_name_pattern: str = EVENT_NAME_PATTERN
    max_event_name_chars: int = 200

    def __post_init__(self) -> None:
        if self.created_at_floor.tzinfo is None:
            raise _invalid("created_at_floor", "a time zone", self.created_at_floor)
        if self.max_future < timedelta(0):
            raise _invalid("max_future", "a duration of 0 or more", self.max_future)
        if self.max_record_bytes < 1:
            raise _invalid("max_record_bytes", "at least 1", self.max_record_bytes)
        if self.max_event_name_chars < 1:
            raise _invalid("max_event_name_chars", "at least 1", self.max_event_name_chars)
        try:
            re.compile(self.event_name_pattern)
        except re.error as error:
            wanted = f"a regular expression ({error})"
            raise _invalid("event_name_pattern", wanted, self.event_name_pattern) from error


def _invalid(setting: str, wanted: str, found: object) -> InvalidSettingError:
    return InvalidSettingError(f"CheckLimits({setting})", wanted, found)


DEFAULT_LIMITS = CheckLimits()
