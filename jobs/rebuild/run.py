"""Rebuild stored events from their bytes in raw with the current rules: the entry of the room.

    events, raw ──> recompute ──> report ──> quarantine ──> merge ──> events

1. The chosen partitions of events are pinned, and the records in raw that they come from.
2. `recompute` parses and validates these records, and keeps the events that differ.
3. `report` counts the differences. A dry run ends here, and so does a rebuild that would change an
   identity.
4. Rejected events are appended to quarantine. A duplicate that is accepted takes their place.
5. `merge` changes and deletes rows of events, in one commit.

A rebuild changes and deletes stored rows, and adds none: an event that is in raw but not in events
is stored by the stream, and would be stored twice if both did. The commit removes nothing that the
stream appends meanwhile (docs/guarantees.md).
"""

from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.config import Settings
from jobs.dataframes import broadcast_if_small, persisted
from jobs.errors import LakeError
from jobs.lake import NO_LEASE, AnyLease, Tables, pinned, write_int64_times
from jobs.rebuild.merge import Partitions, changes, commit
from jobs.rebuild.recompute import (
    CHANGED,
    KIND,
    REJECTED,
    STORED,
    differing,
    sound_duplicates,
    withdrawn,
)
from jobs.rebuild.report import Difference, count_differences
from transforms.columns import (
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    INGEST_DATE,
    INGESTED_AT,
    POSITION,
)
from transforms.parsing import utc_date


def rebuild(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    partitions: Partitions,
    *,
    dry_run: bool = False,
    lease: AnyLease = NO_LEASE,
) -> Difference:
    """Rebuild the stored events of `partitions` with the rules of `settings`.

    Args:
        lease: that of the lake; the commits wait for it.

    Raises:
        LakeError: a table is missing, an identity would change, or other jobs committed to the
            same partitions during each attempt.
    """
    tables.quarantine.require(spark)
    new_columns = tables.events.missing_columns(spark)
    events, version = pinned(spark, tables.events)
    # Raw is pinned after events, so it has the record of every row that is read.
    raw, _ = pinned(spark, tables.raw)
    stored = events.where(partitions.condition())
    stored = stored.withColumns(
        {
            column.name: F.lit(None).cast(column.dataType)
            for column in new_columns
            if column.name not in stored.columns  # `read` fills in record_index
        }
    )
    rows_by_partition, is_ingested_then = _rows_and_ingest_dates(stored)
    difference = Difference(
        first=partitions.first,
        last=partitions.last,
        names=partitions.names,
        version=version,
        dry_run=dry_run,
        partitions=len(rows_by_partition),
        rows=sum(rows_by_partition),
        new_columns=tuple(column.name for column in new_columns),
    )
    columns = spark.createDataFrame([], tables.events.schema).columns
    stored = stored.select(*columns)
    with ExitStack() as caches:
        rows = caches.enter_context(
            persisted(differing(stored, difference.rows, raw.where(is_ingested_then), settings))
        )
        difference = count_differences(rows, columns, difference)
        changed, rejected = (rows.where(F.col(KIND) == kind) for kind in (CHANGED, REJECTED))
        duplicates = None
        if difference.rejected:
            candidates = raw.where(_may_be_duplicate_of(rejected, settings))
            duplicates = caches.enter_context(
                persisted(
                    sound_duplicates(rejected, difference.rejected, candidates, tables, settings)
                )
            )
            difference = replace(difference, replaced=duplicates.count())
        if dry_run:
            return difference
        _require_same_identities(difference)
        with lease.held():
            if difference.new_columns:
                tables.events.create(spark)
            if difference.is_nothing:
                return difference
            if difference.rejected:
                lease.require()
                _append_to_quarantine(rejected, difference.rejected, tables, is_ingested_then)
            to_commit = changes(changed, rejected, duplicates, columns)
            commit(to_commit, columns, tables.events, partitions, lease)
    return difference


def _rows_and_ingest_dates(stored: DataFrame) -> tuple[list[int], Column]:
    """The number of rows of each partition, and a condition on raw's ingest dates for all rows."""
    rows = (
        stored.groupBy(EVENT_NAME, EVENT_DATE)
        .agg(
            F.count(F.lit(1)).alias("rows"),
            utc_date(F.min(INGESTED_AT)).alias("first"),
            utc_date(F.max(INGESTED_AT)).alias("last"),
        )
        .collect()
    )
    if not rows:
        return [], F.lit(False)
    first, last = min(row["first"] for row in rows), max(row["last"] for row in rows)
    is_ingested_then = F.col(INGEST_DATE).between(F.lit(first), F.lit(last))
    return [row["rows"] for row in rows], is_ingested_then


def _may_be_duplicate_of(rejected: DataFrame, settings: Settings) -> Column:
    """A condition on raw's ingest dates that every sound duplicate of the rows fulfills.

    Duplicates share created_at, and an accepted one arrived at most `max_future` before that. A day
    is added because the clocks of the stream and of the driver may differ.
    """
    earliest = F.min(F.col(STORED)[CREATED_AT])
    first = rejected.agg(utc_date(earliest)).collect()[0][0]
    slack = timedelta(days=settings.once.max_future.days + 2)
    return F.col(INGEST_DATE) >= F.lit(first - slack)


def _require_same_identities(difference: Difference) -> None:
    if difference.identities:
        examples = ", ".join(
            f"{change.column} {example}"
            for change in difference.identities
            for example in change.examples
        )
        rows = max(change.values for change in difference.identities)
        raise LakeError(
            f"the current rules read another identity from {rows:,} or more stored events "
            f"({examples}): such an event may already be stored under its new identity, or arrive "
            "with the stream. Nothing was changed; rebuild with rules that keep the identity"
        )


def _append_to_quarantine(
    rejected: DataFrame, rows: int, tables: Tables, is_ingested_then: Column
) -> None:
    """Append what quarantine lacks: an earlier rebuild may have been interrupted after this."""
    spark = rejected.sparkSession
    positions = broadcast_if_small(rejected.select(*POSITION), rows)
    present = tables.quarantine.read(spark).where(is_ingested_then).select(*POSITION)
    # The checkpoint cuts the plan, so the transaction that appends to the table does not read it.
    present = present.join(positions, on=list(POSITION), how="left_semi").localCheckpoint()
    missing = rejected.join(present, on=list(POSITION), how="left_anti")
    if not missing.isEmpty():
        tables.quarantine.create(spark)  # an earlier version may have created it
        write_int64_times(spark)
        missing.transform(withdrawn).write.format("delta").mode("append").save(
            tables.quarantine.path
        )
