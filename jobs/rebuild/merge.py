"""Commit a rebuild: all changes to the chosen partitions of events, in one merge."""

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake import NO_LEASE, AnyLease, Table, retry_conflicts, write_int64_times
from jobs.rebuild.recompute import REPLACED
from transforms.columns import EVENT_DATE, EVENT_NAME, POSITION, RECORD_INDEX
from transforms.unpacking import WHOLE_RECORD


@dataclass(frozen=True)
class Partitions:
    """The partitions of events to rebuild: dates, both inclusive, and names; no names are all."""

    first: date
    last: date
    names: tuple[str, ...] = ()

    def condition(self, alias: str = "") -> Column:
        """Literal predicates on the partition columns; `alias` is empty, or ends with a dot."""
        on_dates = F.col(f"{alias}{EVENT_DATE}").between(F.lit(self.first), F.lit(self.last))
        if not self.names:
            return on_dates
        return on_dates & F.col(f"{alias}{EVENT_NAME}").isin([*self.names])


def changes(
    changed: DataFrame, rejected: DataFrame, duplicates: DataFrame | None, columns: list[str]
) -> DataFrame:
    """The stored events that change, each with its new row.

    Columns out:  key: struct, the position of a stored event; event: struct, the `columns` of its
                  new row, or null if the event is deleted
    Rows:         one for each stored event that is changed, replaced or deleted

    Args:
        duplicates: those of `sound_duplicates`, which replace rejected events; None if no event is
            rejected.
    """
    key = F.struct(*POSITION).alias("key")
    event = F.struct(*columns).alias("event")
    changes = changed.select(key, event)
    if duplicates is None:
        return changes
    replaced_key = F.struct(*(F.col(REPLACED)[name].alias(name) for name in POSITION)).alias("key")
    replacements = duplicates.select(replaced_key, event)
    replaced_or_deleted = rejected.select(key).join(replacements, on="key", how="left")
    return changes.unionByName(replaced_or_deleted)


def commit(
    changes: DataFrame,
    columns: list[str],
    events: Table,
    partitions: Partitions,
    lease: AnyLease = NO_LEASE,
) -> None:
    """Commit all `changes` to `events` in one merge, and retry it after a conflict.

    The merge finds each row by its position, in the version that it replaces. So it removes no file
    that it has not read, and keeps rows that are appended meanwhile. If another commit changed what
    it read, the merge fails as a whole. It can be retried: a new row depends on its bytes in raw
    alone, not on the file that has the old row.

    Columns in:   `changes`: key, event

    Raises:
        LakeError: another commit conflicted with each attempt, or the lease is not held.
    """
    write_int64_times(changes.sparkSession)

    def merge() -> None:
        lease.require()
        _merge(changes, columns, events, partitions)

    retry_conflicts(
        merge,
        command="rebuild",
        failed="another job stored events in these partitions, or compacted them,",
        advice=": nothing was changed. Rebuild fewer dates or names at a time, or stop `process` "
        "meanwhile (`ingest` may continue)",
    )


def _merge(changes: DataFrame, columns: list[str], events: Table, partitions: Partitions) -> None:
    # Rows of earlier versions have no record_index.
    stored = {name: F.col(f"events.{name}") for name in POSITION}
    stored[RECORD_INDEX] = F.coalesce(stored[RECORD_INDEX], F.lit(WHOLE_RECORD))
    same = (column == F.col(f"changes.key.{name}") for name, column in stored.items())
    (
        DeltaTable.forPath(changes.sparkSession, events.path)
        .alias("events")
        .merge(changes.alias("changes"), partitions.condition("events.") & reduce(and_, same))
        .whenMatchedDelete("changes.event IS NULL")
        .whenMatchedUpdate(set={name: F.col(f"changes.event.{name}") for name in columns})
        .execute()
    )
