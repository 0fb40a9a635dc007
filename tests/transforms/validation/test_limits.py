"""Limits that are invalid are rejected when they are made."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from transforms.errors import InvalidSettingError
from transforms.validation.limits import DEFAULT_LIMITS, CheckLimits


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"created_at_floor": datetime(2000, 1, 1)}, "created_at_floor.*time zone"),
        ({"max_future": timedelta(seconds=-1)}, "max_future.*0 or more"),
        ({"max_record_bytes": 0}, "max_record_bytes.*at least 1"),
        ({"event_name_pattern": "("}, "event_name_pattern.*regular expression"),
    ],
)
def test_invalid_limits_are_rejected(changed: dict[str, Any], message: str) -> None:
    """The error names the limit, what was expected and what was found."""
    with pytest.raises(InvalidSettingError, match=message):
        CheckLimits(**changed)


def test_the_defaults_are_valid() -> None:
    assert CheckLimits() == DEFAULT_LIMITS
