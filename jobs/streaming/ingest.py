"""Query 1: every record of the stream into the raw table, byte for byte."""

import json
import logging
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.query import StreamingQuery

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.ingest_runs import Writers
from jobs.checkpoints.ownership import require_own
from jobs.config.settings import Settings, Source
from jobs.lake.delta_log import table_id
from jobs.lake.tables import Table, Tables
from jobs.sinks.raw import RawSink
from jobs.sources.kinesis.datasource import KinesisDataSource
from jobs.streaming.triggers import at_each_trigger
from transforms.columns import SEQUENCE_NUMBER, SHARD_ID
from transforms.table_rows import as_raw

NAME = "ingest"

log = logging.getLogger("event-lake")


def start(spark: SparkSession, settings: Settings, tables: Tables, once: bool) -> StreamingQuery:
    """Start the query; with `once` it never reads past what was on the stream at this moment.

    Spark 4.0 asks a Python source for its end just once when a query is to take what is
    available now, so such a query could not be cut into batches. A frozen end with the usual
    trigger can: the caller stops the query when it has caught up.

    Raises:
        LakeError: when the checkpoint cannot be read or written, belongs to another raw table or
            stream, or does not know what the raw table has.
    """
    checkpoint = Checkpoint(spark, settings.lake.checkpoint(NAME))
    here = {"raw": table_id(spark, tables.raw), "stream": settings.source.stream}
    require_own(spark, checkpoint, here)
    claim, written = Writers(spark, checkpoint, tables.raw, NAME).claim()
    positions: dict[str, str] = {}
    if checkpoint.is_new():
        positions = stored_positions(spark, tables.raw)
        _tell_new(checkpoint, positions, settings.source)
    stop_at = datetime.now(UTC) if once else None
    writer = (
        records(spark, settings.source, positions, stop_at)
        .observe(NAME, F.count(F.lit(1)).alias("records"))
        .transform(as_raw)
        .writeStream.queryName(NAME)
        .option("checkpointLocation", checkpoint.path)
        .foreachBatch(RawSink(claim, tables.raw, written))
    )
    writer = (
        writer.trigger(processingTime="0 seconds") if once else at_each_trigger(writer, settings)
    )
    return writer.start()


def records(
    spark: SparkSession, source: Source, positions: dict[str, str], stop_at: datetime | None
) -> DataFrame:
    """The stream as a frame of records."""
    spark.dataSource.register(KinesisDataSource)
    reader = spark.readStream.format("kinesis").options(**source.options())
    if positions:
        reader = reader.option("resumeFrom", json.dumps(positions, sort_keys=True))
    if stop_at is not None:
        reader = reader.option("stopAt", stop_at.isoformat())
    return reader.load()


def stored_positions(spark: SparkSession, raw: Table) -> dict[str, str]:
    """The last sequence number of each shard in raw: where a new checkpoint goes on.

    A batch commits, for each shard, one gapless range, so nothing is missing before the last.
    Sequence numbers are whole numbers of up to 128 bits and more, compared by length, then text.
    """
    newest = F.max(F.struct(F.length(SEQUENCE_NUMBER), SEQUENCE_NUMBER))[SEQUENCE_NUMBER]
    rows = raw.read(spark).groupBy(SHARD_ID).agg(newest.alias(SEQUENCE_NUMBER)).collect()
    return {row[SHARD_ID]: row[SEQUENCE_NUMBER] for row in rows}


def _tell_new(checkpoint: Checkpoint, positions: dict[str, str], source: Source) -> None:
    begins = (
        f"goes on behind the last record that raw has of each of {len(positions)} shards"
        if positions
        else f"reads the stream from {source.start} on, as raw is empty"
    )
    log.info("query=%s begins anew at %s, and %s", NAME, checkpoint.path, begins)
