"""Query 2: raw records become events, each once; what cannot goes to quarantine with reasons."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from jobs import pipeline
from jobs.checkpoints.checkpoint import Checkpoint, Cover
from jobs.checkpoints.generation import SINCE_EVER
from jobs.checkpoints.ownership import require_own
from jobs.config.settings import Settings
from jobs.lake.delta_log import has_files, stored_names, table_id
from jobs.lake.fencing import Claim
from jobs.lake.tables import Tables
from jobs.sinks.event_name_limit import KnownNames
from jobs.sinks.processed import BatchCounts, OutcomeSink
from jobs.streaming.triggers import at_each_trigger
from transforms.columns import PROCESSED_AT

NAME = "process"

log = logging.getLogger("event-lake")


def start(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    once: bool,
    report: Callable[[BatchCounts], None],
) -> StreamingQuery:
    """Start the query; with `once` it ends by itself when all of raw is processed.

    Args:
        report: is told what became of each batch, on the driver.

    Raises:
        LakeError: when the checkpoint cannot be read or written, or belongs to other tables.
    """
    checkpoint = Checkpoint(spark, settings.lake.checkpoint(NAME))
    is_new = checkpoint.is_new()
    parts = {"raw": tables.raw, "events": tables.events, "quarantine": tables.quarantine}
    require_own(spark, checkpoint, {n: table_id(spark, table) for n, table in parts.items()})
    # Before anything is read: what the run before this one still wrote is there to be seen.
    claim = Claim(spark, (tables.events, tables.quarantine), NAME)
    now = datetime.now(UTC)
    cover = checkpoint.take_up(
        settings.once.window, now, _last_clock(spark, tables, now), claim.before
    )
    checkpoint.note_run(claim.run, cover.in_doubt)
    if not cover.generation.query:  # it begins with this run
        _tell_new(checkpoint, cover, is_new)
    sink = OutcomeSink(
        tables=tables,
        claim=claim,
        require_clock=partial(checkpoint.require_clock, clock_floor=cover.clock_floor),
        in_doubt=cover.in_doubt,
        names=KnownNames(stored_names(spark, tables.events), settings.checks.max_event_names),
        as_events=pipeline.events(settings),
        as_quarantine=pipeline.quarantine,
        report=report,
    )
    writer = (
        outcomes(raw_stream(spark, settings, tables), settings, cover)
        .writeStream.queryName(NAME)
        .option("checkpointLocation", checkpoint.path)
        .foreachBatch(sink)
    )
    writer = writer.trigger(availableNow=True) if once else at_each_trigger(writer, settings)
    query = writer.start()
    checkpoint.bind(cover.generation, str(query.id))
    return query


def raw_stream(spark: SparkSession, settings: Settings, tables: Tables) -> DataFrame:
    """The raw table as a stream of its appends; compaction and deletions add nothing to it."""
    return (
        spark.readStream.format("delta")
        .option("maxFilesPerTrigger", settings.process.max_files_per_batch)
        .option("maxBytesPerTrigger", settings.process.max_bytes_per_batch)
        .option("skipChangeCommits", "true")
        .load(tables.raw.path)
    )


def outcomes(records: DataFrame, settings: Settings, cover: Cover) -> DataFrame:
    """All steps over `records`, with the count that the batch's conservation is checked by."""
    counted = records.observe(NAME, F.count(F.lit(1)).alias("records"))
    return counted.transform(pipeline.outcomes(settings, cover))


def _tell_new(checkpoint: Checkpoint, cover: Cover, is_empty: bool) -> None:
    since = cover.generation.covered_since
    asked = (
        "nothing is stored yet"
        if since == SINCE_EVER
        else f"the tables are asked for what was taken before {since.isoformat()}"
    )
    read = "from its start" if is_empty else "from where this checkpoint was, behind the tables"
    log.info(
        "query=%s generation=%s begins at %s: raw is read %s, and %s",
        *(NAME, cover.generation.identifier, checkpoint.path, read, asked),
    )


def _last_clock(spark: SparkSession, tables: Tables, now: datetime) -> datetime | None:
    """A clock that no stored row is later than; None while nothing is stored.

    Only files whose statistics have a clock after `now` are opened, and there are none unless
    this machine's time lags behind that of the one before.
    """
    outcomes = [table for table in (tables.events, tables.quarantine) if has_files(spark, table)]
    if not outcomes:
        return None
    clocks = (table.read(spark).select(PROCESSED_AT) for table in outcomes)
    ahead = reduce(DataFrame.unionAll, clocks).where(F.col(PROCESSED_AT) > now)
    [newest] = ahead.agg(F.max(PROCESSED_AT)).collect()[0]
    return now if newest is None else newest.astimezone(UTC)
