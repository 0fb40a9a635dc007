"""Store one batch of `process`: events in one commit, rejected records in another.

Both commits carry the batch's number, so a batch that is replayed after a crash between the two
writes only what is missing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.lake import Tables
from jobs.sinks.events import LateRange, Transaction, append, stored_twins
from jobs.sinks.names import KnownNames
from jobs.sinks.quarantine import known_positions
from transforms.columns import (
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    IDENTITY,
    IS_LATE,
    POSITION,
    REASONS,
)
from transforms.compose import Transform
from transforms.once import is_accepted


@dataclass(frozen=True)
class BatchCounts:
    """What became of the rows that a batch let through its state."""

    batch: int
    stored: int
    late: int
    late_twins: int
    quarantined: int


class OutcomeSink:
    """What `foreachBatch` calls, on the driver, with each batch of outcomes."""

    def __init__(
        self,
        tables: Tables,
        application: str,
        names: KnownNames,
        as_events: Transform,
        as_quarantine: Transform,
        report: Callable[[BatchCounts], None],
    ) -> None:
        self._tables = tables
        self._application = application
        self._names = names
        self._as_events = as_events
        self._as_quarantine = as_quarantine
        self._report = report

    def __call__(self, batch: DataFrame, number: int) -> None:
        """Write `batch`; the same number is never written twice."""
        # Grouped as the table's partitions are, each partition gets one file. The rows are kept,
        # because reading them once more would run the state store once more.
        outcomes = batch.repartition(EVENT_NAME, EVENT_DATE).persist()
        try:
            self._report(self._store(outcomes, Transaction(self._application, number)))
        finally:
            outcomes.unpersist()

    def _store(self, outcomes: DataFrame, transaction: Transaction) -> BatchCounts:
        summary = _summary(outcomes)
        surplus = self._names.surplus({name for row in summary for name in row["names"]})
        if surplus:
            outcomes = _without_room(outcomes, surplus)
            summary = _summary(outcomes)
        accepted = [row for row in summary if row["accepted"]]
        rejected = [row for row in summary if not row["accepted"]]

        late_twins = self._store_events(outcomes, accepted, transaction) if accepted else 0
        known = self._store_rejected(outcomes, rejected, transaction) if rejected else 0
        self._names.add({name for row in accepted for name in row["names"]})
        return BatchCounts(
            batch=transaction.batch,
            stored=_rows(accepted) - late_twins,
            late=_rows(row for row in accepted if row[IS_LATE]),
            late_twins=late_twins + known,
            quarantined=_rows(rejected) - known,
        )

    def _store_events(
        self, outcomes: DataFrame, accepted: list[Row], transaction: Transaction
    ) -> int:
        """Append what the table does not have yet; answers how many it had."""
        events = outcomes.where(is_accepted())
        late = [_late_range(row) for row in accepted if row[IS_LATE]]
        twins = stored_twins(events, self._tables.events, late) if late else None
        new, found = _without(events, twins, IDENTITY)
        append(new.transform(self._as_events), self._tables.events, transaction)
        return found

    def _store_rejected(
        self, outcomes: DataFrame, rejected: list[Row], transaction: Transaction
    ) -> int:
        """Append what quarantine does not have yet; answers how many it had."""
        records = outcomes.where(~is_accepted())
        some_late = any(row[IS_LATE] for row in rejected)
        known = known_positions(records, self._tables.quarantine) if some_late else None
        new, found = _without(records, known, POSITION)
        append(new.transform(self._as_quarantine), self._tables.quarantine, transaction)
        return found


def _without(
    rows: DataFrame, stored: DataFrame | None, keys: Sequence[str]
) -> tuple[DataFrame, int]:
    """`rows` without those whose `keys` are in `stored`, and how many that were.

    `stored` is computed here and cut off from its plan: joined with its plan, Spark would not
    recognise the kept rows of the batch in it, and run the state store once more. Most batches
    find nothing, and their rows are written without a join.
    """
    if stored is None:
        return rows, 0
    known = stored.localCheckpoint()
    found = known.count()
    return rows.join(known, on=list(keys), how="left_anti") if found else rows, found


def _rows(summary: Iterable[Row]) -> int:
    return sum(row["rows"] for row in summary)


def _summary(outcomes: DataFrame) -> list[Row]:
    """A row each for accepted and rejected, fresh and late, and every late date."""
    late_date = F.when(is_accepted() & F.col(IS_LATE), F.col(EVENT_DATE))
    return (
        outcomes.groupBy(
            is_accepted().alias("accepted"), F.col(IS_LATE), late_date.alias(EVENT_DATE)
        )
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(CREATED_AT).alias("first"),
            F.max(CREATED_AT).alias("last"),
            F.collect_set(F.when(is_accepted(), F.col(EVENT_NAME))).alias("names"),
        )
        .collect()
    )


def _late_range(row: Row) -> LateRange:
    # PySpark gives timestamps as naive local time; literals must say which moment is meant.
    return LateRange(row[EVENT_DATE], _utc(row["first"]), _utc(row["last"]), row["rows"])


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _without_room(outcomes: DataFrame, surplus: set[str]) -> DataFrame:
    """Reject the events whose name would be one partition too many."""
    reasons = F.when(
        is_accepted() & F.col(EVENT_NAME).isin(sorted(surplus)),
        F.array(F.lit("too_many_event_names")),
    ).otherwise(F.col(REASONS))
    return outcomes.withColumn(REASONS, reasons)
