"""Command `rebuild`: stored events anew from their bytes in raw, by today's rules.

It changes rows that are stored, and adds none: an event that is in raw but not in the table is the
stream's to store, and would be there twice if both did. All changes are one commit, which takes
nothing away that the stream appends meanwhile (docs/guarantees.md).
"""

import argparse
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.cli import options as dates
from jobs.config import loader as config
from jobs.config.settings import Settings
from jobs.dataframes.hash_joins import kept
from jobs.dataframes.joins import small
from jobs.errors import LakeError
from jobs.lake import concurrency as single_writer
from jobs.lake.delta_log import pinned
from jobs.lake.tables import Tables, tables
from jobs.rebuild.merge import Partitions, changes, commit
from jobs.rebuild.recompute import (
    CHANGED,
    KIND,
    REJECTED,
    STORED,
    differing,
    sound_twins,
    withdrawn,
)
from jobs.rebuild.report import Difference, difference
from jobs.runtime import session
from jobs.runtime.spark_errors import explained
from transforms.columns import (
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    INGEST_DATE,
    INGESTED_AT,
    POSITION,
)
from transforms.parsing.timestamps import utc_date


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only `rebuild` takes."""
    dates.add_arguments(parser, of="event_date", required=True)
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        dest="names",
        metavar="EVENT_NAME",
        help="only events of this name; may be given more than once",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the difference, and change nothing"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    single_writer.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what has been, or would be, changed. Answers 0.

    Raises:
        ConfigError: a setting cannot be, or --from is after --to.
        LakeError: a table is missing or cannot be read or written, or an event would become
            another one.
    """
    settings = config.load(arguments.config, arguments.overrides)
    dates.require_order(arguments)
    partitions = Partitions(arguments.first, arguments.last, tuple(arguments.names))
    spark = session.build(settings)
    if not arguments.dry_run:
        single_writer.require_single_writer(spark, settings, arguments.stopped)
    with explained():
        found = rebuild(spark, settings, partitions, arguments.dry_run)
    print(found.to_json() if arguments.json else "\n".join(_told(found, arguments.dry_run)))
    return 0


def rebuild(
    spark: SparkSession, settings: Settings, partitions: Partitions, dry_run: bool = False
) -> Difference:
    """Bring the stored events of `partitions` to what today's rules say; answers the difference.

    Raises:
        LakeError: a table is missing, or an event would become another one.
    """
    lake = tables(settings.lake, settings.fields)
    lake.quarantine.require(spark)
    new_columns = lake.events.lacking(spark)
    events, version = pinned(spark, lake.events)
    # Raw is pinned behind events: it holds the record of every row that is looked at.
    raw, _ = pinned(spark, lake.raw)
    stored = events.where(partitions.chosen())
    stored = stored.withColumns({c.name: F.lit(None).cast(c.dataType) for c in new_columns})
    by_partition, ingested = _looked_at(stored)
    looked_at = Difference(
        first=partitions.first,
        last=partitions.last,
        names=partitions.names,
        version=version,
        partitions=len(by_partition),
        rows=sum(by_partition),
        new_columns=tuple(column.name for column in new_columns),
    )
    columns = spark.createDataFrame([], lake.events.schema).columns
    own = stored.select(*columns)
    with ExitStack() as held:
        rows = held.enter_context(
            kept(differing(own, looked_at.rows, raw.where(ingested), settings))
        )
        found = difference(rows, columns, looked_at)
        changed, rejected = (rows.where(F.col(KIND) == kind) for kind in (CHANGED, REJECTED))
        twins = None
        if found.rejected:
            later = raw.where(_may_be_twin(rejected, settings))
            twins = held.enter_context(
                kept(sound_twins(rejected, found.rejected, later, lake, settings))
            )
            found = replace(found, replaced=twins.count())
        if dry_run:
            return found
        _require_same_identities(found)
        if found.new_columns:
            lake.events.create(spark)
        if found.is_nothing:
            return found
        if found.rejected:
            _quarantine(rejected, found.rejected, lake, ingested)
        commit(changes(changed, rejected, twins, columns), columns, lake.events, partitions)
    return found


def _looked_at(stored: DataFrame) -> tuple[list[int], Column]:
    """The rows of each partition, and which ingest dates their records have."""
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
    ingested = F.col(INGEST_DATE).between(F.lit(first), F.lit(last))
    return [row["rows"] for row in rows], ingested


def _may_be_twin(rejected: DataFrame, settings: Settings) -> Column:
    """Twins share created_at, and a sound one came no earlier than `max_future` before that.

    A day more, as the clocks of the stream and of the driver may differ.
    """
    earliest = F.min(F.col(STORED)[CREATED_AT])
    first = rejected.agg(utc_date(earliest)).collect()[0][0]
    slack = timedelta(days=settings.once.max_future.days + 2)
    return F.col(INGEST_DATE) >= F.lit(first - slack)


def _require_same_identities(found: Difference) -> None:
    if found.identities:
        some = ", ".join(
            f"{change.column} {example}"
            for change in found.identities
            for example in change.examples
        )
        rows = max(change.values for change in found.identities)
        raise LakeError(
            f"today's rules read another identity from {rows:,} or more stored events ({some}): "
            "the new one may be stored already, or come with the stream, so nothing was changed"
        )


def _quarantine(rejected: DataFrame, rows: int, lake: Tables, ingested: Column) -> None:
    """Append what quarantine does not have yet: an interrupted run may have come this far."""
    spark = rejected.sparkSession
    wanted = small(rejected.select(*POSITION), rows)
    there = lake.quarantine.read(spark).where(ingested).select(*POSITION)
    # Cut off from its plan, the table is not read by the transaction that appends to it.
    there = there.join(wanted, on=list(POSITION), how="left_semi").localCheckpoint()
    missing = rejected.join(there, on=list(POSITION), how="left_anti")
    if not missing.isEmpty():
        missing.transform(withdrawn).write.format("delta").mode("append").save(lake.quarantine.path)


def _told(found: Difference, dry_run: bool) -> list[str]:
    if dry_run:
        end = "dry run: nothing was changed"
    elif found.is_nothing:
        end = "nothing to change"
    else:
        end = "rebuilt"
    return [*found.lines(), end]
