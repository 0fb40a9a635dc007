"""Bring quarantined records to `events` after a fix."""

from jobs.replay.report import Report
from jobs.replay.run import replay

__all__ = ["Report", "replay"]
