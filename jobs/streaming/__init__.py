"""Start the queries `ingest` and `process`, and run them to their end."""

from jobs.streaming.ingest import start_ingest
from jobs.streaming.process import read_raw, start_process
from jobs.streaming.runner import Run

__all__ = ["Run", "read_raw", "start_ingest", "start_process"]
