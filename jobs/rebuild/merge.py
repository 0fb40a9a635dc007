"""The partitions of a rebuild, and all changes to them in one commit."""

import logging
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.errors import LakeError
from jobs.lake.tables import Table
from transforms.columns import EVENT_DATE, EVENT_NAME, POSITION

# Delta's isolation outside of Databricks is serializable: a merge does not pass by an append to the
# partitions that it reads (https://github.com/delta-io/delta/issues/1261).
_CONFLICTS = (
    ".ConcurrentAppendException",
    ".ConcurrentDeleteReadException",
    ".ConcurrentDeleteDeleteException",
)
_ATTEMPTS = 10

log = logging.getLogger("event-lake")


@dataclass(frozen=True)
class Partitions:
    """The partitions of events that are to be rebuilt; without `names`, those of all names."""

    first: date
    last: date
    names: tuple[str, ...] = ()

    def chosen(self, alias: str = "") -> Column:
        """Literal predicates on the partition columns of the table under `alias`."""
        chosen = F.col(f"{alias}{EVENT_DATE}").between(F.lit(self.first), F.lit(self.last))
        return chosen & F.col(f"{alias}{EVENT_NAME}").isin([*self.names]) if self.names else chosen


def changes(
    changed: DataFrame, rejected: DataFrame, twins: DataFrame | None, columns: list[str]
) -> DataFrame:
    """Where a row stands, and what it becomes; null where it is an event no more.

    Columns out:  key: struct, the position of a stored event; event: struct, its `columns`
    Rows:         one for each stored event that changes or goes
    """
    key = F.struct(*POSITION).alias("key")
    event = F.struct(*columns).alias("event")
    changes = changed.select(key, event)
    if twins is None:
        return changes
    holder = F.struct(*(F.col("holder")[name].alias(name) for name in POSITION)).alias("key")
    replaced = twins.select(holder, event)
    gone = rejected.select(key).join(replaced, on="key", how="left")
    return changes.unionByName(gone)


def commit(changes: DataFrame, columns: list[str], events: Table, partitions: Partitions) -> None:
    """All changes in one commit.

    A merge finds each row again in the version that it replaces, by its position. So it takes no
    file away that it has not read, and a row that is appended meanwhile, which is not among
    `changes`, stays. If another commit has touched what it read, it fails whole, and is tried
    again: what today's rules make of a row follows from its bytes in raw, wherever it stands now.

    Raises:
        LakeError: other commits came in between each time.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _merge(changes, columns, events, partitions)
            return
        except Py4JJavaError as error:
            if not _is_conflict(error):
                raise
            log.info(
                "rebuild: another commit touched these partitions meanwhile (attempt %d of %d)",
                *(attempt, _ATTEMPTS),
            )
    raise LakeError(
        "another job stored events in these partitions, or compacted them, during each of "
        f"{_ATTEMPTS} attempts, so nothing was changed: rebuild fewer dates or names at a time, or "
        "stop `process` meanwhile (`ingest` may go on)"
    )


def _is_conflict(error: Py4JJavaError) -> bool:
    return str(error.java_exception.getClass().getName()).endswith(_CONFLICTS)


def _merge(changes: DataFrame, columns: list[str], events: Table, partitions: Partitions) -> None:
    same = (F.col(f"events.{name}") == F.col(f"changes.key.{name}") for name in POSITION)
    (
        DeltaTable.forPath(changes.sparkSession, events.path)
        .alias("events")
        .merge(changes.alias("changes"), partitions.chosen("events.") & reduce(and_, same))
        .whenMatchedDelete("changes.event IS NULL")
        .whenMatchedUpdate(set={name: F.col(f"changes.event.{name}") for name in columns})
        .execute()
    )
