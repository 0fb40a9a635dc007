"""Lines of text for people. A leaf: it imports nothing else of `jobs`."""

from jobs.reporting.reasons import count_line, reason_lines
from jobs.reporting.status_line import StatusLine

__all__ = ["StatusLine", "count_line", "reason_lines"]
