"""What `foreachBatch` calls: the sinks of both queries, and the steps of `process`'s sink."""

from jobs.sinks.batch import Batch, BatchStep
from jobs.sinks.event_name_limit import EventNameLimit
from jobs.sinks.processed import BatchCounts, ProcessedSink, split_and_append
from jobs.sinks.processed_positions import processed_positions, without_processed_positions
from jobs.sinks.raw import RawSink
from jobs.sinks.replayed_duplicates import without_replayed_duplicates
from jobs.sinks.stored_duplicates import without_stored_duplicates

__all__ = [
    "Batch",
    "BatchCounts",
    "BatchStep",
    "EventNameLimit",
    "ProcessedSink",
    "RawSink",
    "processed_positions",
    "split_and_append",
    "without_processed_positions",
    "without_replayed_duplicates",
    "without_stored_duplicates",
]
