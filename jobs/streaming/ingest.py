"""Query 1: every record of the stream into the raw table, byte for byte."""

import json
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery
from pyspark.sql.streaming.readwriter import DataStreamWriter

from jobs.checkpoints import resume_ingest
from jobs.config import Query, Settings, Source, format_duration
from jobs.lake import NO_LEASE, AnyLease, Tables
from jobs.sinks import RawSink
from jobs.sources.kinesis import KinesisDataSource
from transforms.table_rows import as_raw


def start_ingest(
    spark: SparkSession,
    settings: Settings,
    tables: Tables,
    available_now: bool,
    lease: AnyLease = NO_LEASE,
) -> StreamingQuery:
    """Start the query.

    With `available_now` it never reads what arrives after this moment, and the caller stops it once
    it has caught up. Before version 4.2, Spark asks a Python source for its end only once under its
    own trigger `availableNow`, so such a query could not be divided into batches.

    Raises:
        CheckpointError: the checkpoint is damaged, or does not belong to the table or the stream.
        FencedError: another run started at the same moment.
        LakeError: the checkpoint or the table cannot be read or written.
    """
    start = resume_ingest(spark, settings, tables, lease)
    stop_at = datetime.now(UTC) if available_now else None
    writer = (
        read_stream(spark, settings.source, start.positions, stop_at)
        .observe(Query.INGEST, F.count(F.lit(1)).alias("records"))
        .transform(as_raw)
        .writeStream.queryName(Query.INGEST.value)
        .option("checkpointLocation", start.checkpoint.path)
        .foreachBatch(RawSink(start.fence, tables.raw, start.last_written))
    )
    if available_now:
        return writer.trigger(processingTime="0 seconds").start()
    return at_each_trigger(writer, settings).start()


def read_stream(
    spark: SparkSession, source: Source, positions: dict[str, str], stop_at: datetime | None
) -> DataFrame:
    """The stream as a streaming frame. Columns out: RECORD_SCHEMA.

    Args:
        positions: the last sequence number of each shard that raw contains.
        stop_at: records that arrived at or after this time are not read.
    """
    spark.dataSource.register(KinesisDataSource)
    reader = spark.readStream.format("kinesis").options(**source.options())
    if positions:
        reader = reader.option("resumeFrom", json.dumps(positions, sort_keys=True))
    if stop_at is not None:
        reader = reader.option("stopAt", stop_at.isoformat())
    return reader.load()


def at_each_trigger(writer: DataStreamWriter, settings: Settings) -> DataStreamWriter:
    """Start a batch every `stream.trigger`, or at once if the batch before took longer."""
    return writer.trigger(processingTime=format_duration(settings.stream.trigger))
