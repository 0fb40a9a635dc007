"""Whether and where a run resumes: the one door between a query and its checkpoint.

`ingest` and `process` call it before they read a record. In this order it

1. checks that the checkpoint belongs to these tables and to this stream (`ownership`),
2. fences off earlier runs, so that their last commits are final (`jobs.lake.fencing`),
3. compares the checkpoint with the tables, and decides: resume, begin again, or refuse.

docs/architecture.md has the decisions as a state diagram.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.coverage import StateCoverage, resume_coverage
from jobs.checkpoints.ingest_runs import IngestRuns
from jobs.checkpoints.ownership import require_own
from jobs.config import Query, Settings
from jobs.lake import NO_LEASE, AnyLease, Table, Tables, WriterFence, has_files, table_id
from transforms.columns import PROCESSED_AT, SEQUENCE_NUMBER, SHARD_ID

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IngestStart:
    """Where a run of `ingest` resumes.

    fence:        the right to append to raw
    last_written: the last batch of this checkpoint that raw contains; -1 for none
    positions:    the last sequence number of each shard in raw, for a new checkpoint only
    """

    checkpoint: Checkpoint
    fence: WriterFence
    last_written: int
    positions: dict[str, str]


@dataclass(frozen=True)
class ProcessStart:
    """Where a run of `process` resumes.

    fence:    the right to append to events and quarantine
    coverage: what its state covers, and which batch is in doubt
    """

    checkpoint: Checkpoint
    fence: WriterFence
    coverage: StateCoverage


def resume_ingest(
    spark: SparkSession, settings: Settings, tables: Tables, lease: AnyLease = NO_LEASE
) -> IngestStart:
    """Resume `ingest`, or begin after the last records in raw if its checkpoint is new.

    Args:
        lease: that of the lake; it is waited for.

    Raises:
        CheckpointError: the checkpoint is damaged, belongs to another table or stream, or does not
            match raw.
        FencedError: another run started at the same moment and was faster.
        LakeError: the checkpoint or the table cannot be read or written.
    """
    checkpoint = Checkpoint(spark, settings.lake.checkpoint(Query.INGEST))
    stream = settings.source.stream
    require_own(checkpoint, {"raw": table_id(spark, tables.raw), "stream": stream})
    with lease.held():
        fence, last_written = IngestRuns(spark, checkpoint, tables.raw, lease).fence()
    positions: dict[str, str] = {}
    if checkpoint.is_new():
        positions = stored_positions(spark, tables.raw)
        resume = f"raw shards={len(positions)}" if positions else settings.source.start
        log.info("query=ingest run=%s checkpoint=new resume=%s", fence.run, resume)
    else:
        log.info("query=ingest run=%s checkpoint=resumed batch=%s", fence.run, last_written)
    return IngestStart(checkpoint, fence, last_written, positions)


def resume_process(
    spark: SparkSession, settings: Settings, tables: Tables, lease: AnyLease = NO_LEASE
) -> ProcessStart:
    """Resume `process`, or begin a new generation if its state cannot be trusted.

    Args:
        lease: that of the lake; it is waited for.

    Raises:
        CheckpointError: the checkpoint is damaged, belongs to other tables, or is newer than the
            tables.
        FencedError: another run started at the same moment and was faster.
        LakeError: the checkpoint or a table cannot be read or written.
    """
    checkpoint = Checkpoint(spark, settings.lake.checkpoint(Query.PROCESS))
    was_new = checkpoint.is_new()
    owners = {"raw": tables.raw, "events": tables.events, "quarantine": tables.quarantine}
    require_own(checkpoint, {name: table_id(spark, table) for name, table in owners.items()})
    # First of all: what the run before this one still commits is visible from here on.
    with lease.held():
        fence = WriterFence(spark, (tables.events, tables.quarantine), Query.PROCESS, lease=lease)
    now = datetime.now(UTC)
    coverage = resume_coverage(
        checkpoint, settings.once.window, now, newest_clock(spark, tables, now), fence.previous
    )
    checkpoint.record_run(fence.run, coverage.in_doubt)
    generation = coverage.generation
    log.info(
        "query=process run=%s checkpoint=%s generation=%s covered_since=%s batch_in_doubt=%s",
        fence.run,
        "new" if was_new else "new_generation" if coverage.is_new else "resumed",
        *(generation.identifier, generation.covered_since.isoformat(), coverage.in_doubt),
    )
    return ProcessStart(checkpoint, fence, coverage)


def stored_positions(spark: SparkSession, raw: Table) -> dict[str, str]:
    """The last sequence number of each shard in raw.

    Each batch commits one range without gaps for each shard, so nothing before it is missing.
    Sequence numbers are integers of 128 bits and more: they are compared by length, then as text.
    """
    newest = F.max(F.struct(F.length(SEQUENCE_NUMBER), SEQUENCE_NUMBER))[SEQUENCE_NUMBER]
    rows = raw.read(spark).groupBy(SHARD_ID).agg(newest.alias(SEQUENCE_NUMBER)).collect()
    return {row[SHARD_ID]: row[SEQUENCE_NUMBER] for row in rows}


def newest_clock(spark: SparkSession, tables: Tables, now: datetime) -> datetime | None:
    """A clock that no stored row exceeds; None while nothing is stored.

    Only files whose statistics exceed `now` are opened. There are none, unless the clock of this
    machine is behind that of an earlier driver.
    """
    filled = [table for table in (tables.events, tables.quarantine) if has_files(spark, table)]
    if not filled:
        return None
    clocks = (table.read(spark).select(PROCESSED_AT) for table in filled)
    ahead = reduce(DataFrame.unionAll, clocks).where(F.col(PROCESSED_AT) > now)
    [newest] = ahead.agg(F.max(PROCESSED_AT)).collect()[0]
    return now if newest is None else newest.astimezone(UTC)
