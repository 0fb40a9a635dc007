"""Reject the events whose name would be one partition too many."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.sinks.batch import Batch
from transforms.columns import EVENT_NAME, REASONS
from transforms.deduplication import is_accepted

REASON = "too_many_event_names"


class EventNameLimit:
    """A cap on event names. Each name is a folder, and a producer's mistake could make millions."""

    def __init__(self, stored: set[str], limit: int) -> None:
        """`stored` are the names that the events table contains."""
        self._names = set(stored)
        self._limit = limit

    def __call__(self, batch: Batch) -> Batch:
        """Reject the events of surplus names, and remember the names of the others."""
        surplus = self.surplus(batch.summary.names)
        if surplus:
            batch = batch.with_rows(_with_reason(batch.rows, surplus))
        self._names |= batch.summary.names
        return batch

    def surplus(self, names: set[str] | frozenset[str]) -> set[str]:
        """Those of `names` that are new and exceed the cap: the last ones in alphabetical order."""
        new = sorted(names - self._names)
        room = max(0, self._limit - len(self._names))
        return set(new[room:])


def _with_reason(rows: DataFrame, surplus: set[str]) -> DataFrame:
    is_surplus = is_accepted() & F.col(EVENT_NAME).isin(sorted(surplus))
    reasons = F.when(is_surplus, F.array(F.lit(REASON))).otherwise(F.col(REASONS))
    return rows.withColumn(REASONS, reasons)
