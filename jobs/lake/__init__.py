"""The Delta tables of the lake: their schemas, their logs, and every way to commit to them."""

from jobs.lake.append import Transaction, append
from jobs.lake.concurrency import lease_of
from jobs.lake.conflicts import retry_conflicts
from jobs.lake.delta_log import (
    DataFile,
    data_files,
    has_files,
    last_transaction_version,
    pinned,
    stored_event_names,
    table_id,
    table_version,
)
from jobs.lake.fencing import RunProgress, WriterFence, commit_marks, run_progress
from jobs.lake.lease import NO_LEASE, AnyLease
from jobs.lake.lease_gate import GivenUpError
from jobs.lake.parquet_times import write_int64_times
from jobs.lake.tables import Table, Tables, tables_of

__all__ = [
    "NO_LEASE",
    "AnyLease",
    "DataFile",
    "GivenUpError",
    "RunProgress",
    "Table",
    "Tables",
    "Transaction",
    "WriterFence",
    "append",
    "commit_marks",
    "data_files",
    "has_files",
    "last_transaction_version",
    "lease_of",
    "pinned",
    "retry_conflicts",
    "run_progress",
    "stored_event_names",
    "table_id",
    "table_version",
    "tables_of",
    "write_int64_times",
]
