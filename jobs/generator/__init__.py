"""Synthetic records for demos, tests and load, and the counts that the tables must then have."""

from jobs.generator.feed import Feed
from jobs.generator.producer import Producer
from jobs.generator.report import tally_lines
from jobs.generator.traffic import Mix, Record, Tally, records

__all__ = ["Feed", "Mix", "Producer", "Record", "Tally", "records", "tally_lines"]
