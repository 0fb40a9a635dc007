"""Check whether a record is a valid event, and name every reason if it is not."""

from transforms.validation.checks import with_reasons
from transforms.validation.limits import DEFAULT_LIMITS, CheckLimits

__all__ = ["DEFAULT_LIMITS", "CheckLimits", "with_reasons"]
