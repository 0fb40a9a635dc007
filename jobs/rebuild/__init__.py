"""Recompute stored events from raw with the current rules."""

from jobs.rebuild.merge import Partitions
from jobs.rebuild.report import Difference
from jobs.rebuild.run import rebuild

__all__ = ["Difference", "Partitions", "rebuild"]
