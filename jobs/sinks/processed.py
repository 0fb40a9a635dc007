"""Store one batch of `process`: events in one commit, rejected records in another.

Where a run was killed before Spark noted the batch as done, every row of its replay asks the tables
what became of it: only what is missing is written, even if the rules were changed meanwhile.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.dataframes.caching import kept
from jobs.lake.fencing import Claim
from jobs.lake.tables import Tables
from jobs.sinks.event_name_limit import KnownNames
from jobs.sinks.processed_positions import taken_positions
from jobs.sinks.replayed_duplicates import twins_of_replayed
from jobs.sinks.stored_duplicates import LateRange, stored_twins
from transforms.columns import (
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    IDENTITY,
    INGESTED_AT,
    IS_LATE,
    MAY_BE_TAKEN,
    POSITION,
    REASONS,
)
from transforms.compose import Transform
from transforms.deduplication import is_accepted, is_replayed


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
        claim: Claim,
        require_clock: Callable[[int], None],
        in_doubt: int | None,
        names: KnownNames,
        as_events: Transform,
        as_quarantine: Transform,
        report: Callable[[BatchCounts], None],
    ) -> None:
        """Make the sink of one run.

        Args:
            require_clock: raises where a batch runs on a clock that cannot be.
            in_doubt: the batch that a run before this one may have written, or a part of it.
        """
        self._tables = tables
        self._claim = claim
        self._require_clock = require_clock
        self._in_doubt = in_doubt
        self._names = names
        self._as_events = as_events
        self._as_quarantine = as_quarantine
        self._report = report

    def __call__(self, batch: DataFrame, number: int) -> None:
        """Write `batch`; the same number is never written twice.

        Raises:
            LakeError: another run has taken over, or this machine's time has gone back.
        """
        self._claim.require()
        self._require_clock(number)
        # Kept as the state gave them: all twins of an event would be in the same partition.
        with kept(batch) as outcomes:
            self._report(self._store(outcomes, number))

    def _store(self, outcomes: DataFrame, batch: int) -> BatchCounts:
        if batch == self._in_doubt:
            outcomes = _all_in_doubt(outcomes)
        summary = _summary(outcomes)
        outcomes, taken = self._without_taken(outcomes, summary)
        summary = _summary(outcomes) if taken else summary
        outcomes, repeated = _each_once(outcomes, summary)
        summary = _summary(outcomes) if repeated else summary
        surplus = self._names.surplus({name for row in summary for name in row["names"]})
        if surplus:
            outcomes = _without_room(outcomes, surplus)
            summary = _summary(outcomes)
        accepted = [row for row in summary if row["accepted"]]
        rejected = [row for row in summary if not row["accepted"]]

        late_twins = self._store_events(outcomes, accepted, batch) if accepted else 0
        if rejected:
            refused = _by_partition(outcomes.where(~is_accepted()))
            self._claim.append(
                refused.transform(self._as_quarantine), self._tables.quarantine, batch
            )
        self._names.add({name for row in accepted for name in row["names"]})
        return BatchCounts(
            batch=batch,
            stored=_rows(accepted) - late_twins,
            late=_rows(row for row in accepted if row[IS_LATE]),
            late_twins=late_twins + taken + repeated,
            quarantined=_rows(rejected),
        )

    def _without_taken(self, outcomes: DataFrame, summary: Sequence[Row]) -> tuple[DataFrame, int]:
        """`outcomes` without those that either table holds already, and how many that were."""
        taken = [row for row in summary if row["may_be_taken"]]
        if not taken:
            return outcomes, 0
        known = taken_positions(
            outcomes,
            self._tables,
            rows=sum(row["may_be_taken"] for row in taken),
            first=min(row["ingested_first"] for row in taken),
            last=max(row["ingested_last"] for row in taken),
        )
        return _without(outcomes, known, POSITION)

    def _store_events(self, outcomes: DataFrame, accepted: list[Row], batch: int) -> int:
        """Append what the table does not have yet; answers how many it had."""
        events = outcomes.where(is_accepted())
        late = [_late_range(row) for row in accepted if row[IS_LATE]]
        twins = stored_twins(events, self._tables.events, late) if late else None
        new, found = _without(events, twins, IDENTITY)
        if found < _rows(accepted):
            stored = _by_partition(new).transform(self._as_events)
            self._claim.append(stored, self._tables.events, batch)
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


def _each_once(outcomes: DataFrame, summary: Sequence[Row]) -> tuple[DataFrame, int]:
    """`outcomes` without twins of those that passed the state because they were replayed."""
    replayed = sum(row["replayed"] for row in summary)
    if not replayed:
        return outcomes, 0
    return _without(outcomes, twins_of_replayed(outcomes, replayed), POSITION)


def _all_in_doubt(outcomes: DataFrame) -> DataFrame:
    """Every row must ask the tables what became of it when its batch was first written."""
    return outcomes.withColumns({IS_LATE: is_accepted(), MAY_BE_TAKEN: F.lit(True)})


def _rows(summary: Iterable[Row]) -> int:
    return sum(row["rows"] for row in summary)


def _summary(outcomes: DataFrame) -> list[Row]:
    """A row each for accepted and rejected, fresh and late, and every late date.

    Times are microseconds: Python knows fewer years than records name, and gives local times, of
    which an hour comes twice a year.
    """
    is_late = is_accepted() & F.col(IS_LATE)
    late_date, late_time = (
        F.when(is_late, time) for time in (F.col(EVENT_DATE), F.unix_micros(CREATED_AT))
    )
    may_be_taken = F.col(MAY_BE_TAKEN)
    ingested = F.when(may_be_taken, F.unix_micros(INGESTED_AT))
    return (
        outcomes.groupBy(
            is_accepted().alias("accepted"), F.col(IS_LATE), late_date.alias(EVENT_DATE)
        )
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.min(late_time).alias("first"),
            F.max(late_time).alias("last"),
            F.collect_set(F.when(is_accepted(), F.col(EVENT_NAME))).alias("names"),
            F.count_if(is_replayed()).alias("replayed"),
            F.count_if(may_be_taken).alias("may_be_taken"),
            F.min(ingested).alias("ingested_first"),
            F.max(ingested).alias("ingested_last"),
        )
        .collect()
    )


def _late_range(row: Row) -> LateRange:
    return LateRange(row[EVENT_DATE], row["first"], row["last"], row["rows"])


def _by_partition(rows: DataFrame) -> DataFrame:
    """Grouped as the events table is: each of its partitions gets one file."""
    return rows.repartition(EVENT_NAME, EVENT_DATE)


def _without_room(outcomes: DataFrame, surplus: set[str]) -> DataFrame:
    """Reject the events whose name would be one partition too many."""
    reasons = F.when(
        is_accepted() & F.col(EVENT_NAME).isin(sorted(surplus)),
        F.array(F.lit("too_many_event_names")),
    ).otherwise(F.col(REASONS))
    return outcomes.withColumn(REASONS, reasons)
