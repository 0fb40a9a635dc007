"""Prove from the tables alone that no record is lost, stored twice or invented."""

from jobs.audit.report import VIOLATIONS, Report, Sample, Violation
from jobs.audit.verify import verify_tables

__all__ = ["VIOLATIONS", "Report", "Sample", "Violation", "verify_tables"]
