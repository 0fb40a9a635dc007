"""Query 2: raw records become events, each once; the others go to quarantine with their reasons."""

from collections.abc import Callable
from functools import partial

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from jobs import pipeline
from jobs.checkpoints import StateCoverage, resume_process
from jobs.config import Query, Settings
from jobs.lake import NO_LEASE, AnyLease, Tables
from jobs.sinks import BatchCounts, ProcessedSink
from jobs.streaming.ingest import at_each_trigger
from transforms.unpacking import with_record_index


def start_process(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    available_now: bool,
    report: Callable[[BatchCounts], None],
    lease: AnyLease = NO_LEASE,
) -> StreamingQuery:
    """Start the query. With `available_now` it ends by itself when all of raw is processed.

    Args:
        report: receives the counts of each batch, on the driver.

    Raises:
        CheckpointError: the checkpoint is damaged, or does not belong to the tables.
        FencedError: another run started at the same moment.
        LakeError: the checkpoint or a table cannot be read or written.
    """
    start = resume_process(spark, settings, tables, lease)
    coverage = start.coverage
    sink = ProcessedSink(
        fence=start.fence,
        require_clock=partial(start.checkpoint.require_clock, clock_floor=coverage.clock_floor),
        steps=pipeline.sink_steps(settings, tables, start.fence, coverage.in_doubt),
        report=report,
    )
    writer = (
        deduplicated(read_raw(spark, settings, tables), settings, coverage)
        .writeStream.queryName(Query.PROCESS.value)
        .option("checkpointLocation", start.checkpoint.path)
        .foreachBatch(sink)
    )
    if available_now:
        query = writer.trigger(availableNow=True).start()
    else:
        query = at_each_trigger(writer, settings).start()
    start.checkpoint.bind(coverage.generation, str(query.id))
    return query


def read_raw(spark: SparkSession, settings: Settings, tables: Tables) -> DataFrame:
    """The appends to raw as a streaming frame. Compaction and deletion add no rows to it."""
    return (
        spark.readStream.format("delta")
        .option("maxFilesPerTrigger", settings.process.max_files_per_batch)
        .option("maxBytesPerTrigger", settings.process.max_bytes_per_batch)
        .option("skipChangeCommits", "true")
        .load(tables.raw.path)
        .transform(with_record_index)
    )


def deduplicated(records: DataFrame, settings: Settings, coverage: StateCoverage) -> DataFrame:
    """Apply `unpacked` and `deduplicated`. The rows between them are the `records` of the batch,
    which it must conserve."""
    unpacked = records.transform(pipeline.unpacked(settings))
    counted = unpacked.observe(Query.PROCESS, F.count(F.lit(1)).alias("records"))
    return counted.transform(pipeline.deduplicated(settings, coverage))
