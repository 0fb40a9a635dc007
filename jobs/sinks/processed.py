"""The sink of `process`: runs a batch through its steps, then reports what became of its rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.dataframes import materialized
from jobs.lake import Tables, WriterFence
from jobs.sinks.batch import Batch, BatchStep
from jobs.sinks.unwritable import append_or_set_aside
from transforms.columns import EVENT_DATE, EVENT_NAME
from transforms.compose import Transform
from transforms.deduplication import is_accepted


@dataclass(frozen=True)
class BatchCounts:
    """What became of the rows that passed the state in one batch.

    stored:          events that were appended
    late:            events that arrived later than `once.window` after they were created, late
                     duplicates among them
    looked_up:       events whose identity was looked up in the table
    late_duplicates: rows that the steps of the sink left out
    quarantined:     rows that were appended to quarantine
    """

    batch: int
    stored: int
    late: int
    looked_up: int
    late_duplicates: int
    quarantined: int


class ProcessedSink:
    """What `foreachBatch` calls, on the driver, with each batch of deduplicated rows."""

    def __init__(
        self,
        fence: WriterFence,
        require_clock: Callable[[int], None],
        steps: Sequence[BatchStep],
        report: Callable[[BatchCounts], None],
    ) -> None:
        """Make the sink of one run.

        Args:
            require_clock: raises ClockError if the clock of a batch went back too far.
            steps: what a batch goes through, in this order; `jobs.pipeline` lists them.
            report: receives the counts of each batch.
        """
        self._fence = fence
        self._require_clock = require_clock
        self._steps = steps
        self._report = report

    def __call__(self, rows: DataFrame, number: int) -> None:
        """Write the batch. A batch that Spark replays is completed, never written twice.

        Raises:
            FencedError: a newer run writes these tables.
            ClockError: the driver's clock went back.
        """
        with self._fence.lease.held():
            self._write(rows, number)

    def _write(self, rows: DataFrame, number: int) -> None:
        self._fence.require()
        self._require_clock(number)
        # Materialized as they left the state, where all duplicates of an event share a partition.
        with materialized(rows) as passed:
            batch = Batch.of(number, passed)
            for step in self._steps:
                batch = step(batch)
            summary = batch.summary
            self._report(
                BatchCounts(
                    batch=number,
                    stored=summary.accepted,
                    late=summary.late,
                    looked_up=sum(each.rows for each in summary.lookups),
                    late_duplicates=batch.duplicates,
                    quarantined=summary.rejected,
                )
            )


def split_and_append(
    tables: Tables,
    fence: WriterFence,
    as_events: Transform,
    as_quarantine: Transform,
    *,
    sets_aside: bool = False,
) -> BatchStep:
    """Append the events in one commit, then the rejected rows in another one.

    Args:
        sets_aside: see `append_or_set_aside`.
    """

    def append_events(batch: Batch) -> None:
        events = _by_partition(batch.rows.where(is_accepted())).transform(as_events)
        fence.append(events, tables.events, batch.number)

    def step(batch: Batch) -> Batch:
        if batch.summary.accepted:
            batch = append_or_set_aside(
                batch, append_events, tables.events, as_events, sets_aside=sets_aside
            )
        if batch.summary.rejected:
            rejected = _by_partition(batch.rows.where(~is_accepted())).transform(as_quarantine)
            fence.append(rejected, tables.quarantine, batch.number)
        return batch

    return step


def _by_partition(rows: DataFrame) -> DataFrame:
    """Shuffle by the partition columns of events: each partition gets one file."""
    return rows.repartition(EVENT_NAME, EVENT_DATE)
