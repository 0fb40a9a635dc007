"""Maintain the files of the tables. The rows stay the same."""

from jobs.maintenance.report import Found, Rewrite
from jobs.maintenance.rewrite import rewrite_int96

__all__ = ["Found", "Rewrite", "rewrite_int96"]
