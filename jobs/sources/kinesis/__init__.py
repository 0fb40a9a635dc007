"""Amazon Kinesis as a source of Spark Structured Streaming.

    from jobs.sources.kinesis import KinesisDataSource

    spark.dataSource.register(KinesisDataSource)
    records = spark.readStream.format("kinesis").option("stream", "events").load()

Each batch is one exact range of sequence numbers per shard. The driver determines the range before
any record is read, so a replayed batch has the same rows. docs/kinesis-source.md describes the
options and the protocol.

Before version 4.2, Spark has neither admission control nor available-now for Python sources. The
options of the source limit the batches instead. `trigger(availableNow=True)` then runs one batch,
up to the end of the stream at its start; with a limit, it leaves the rest to the next run. To read
a stream to a fixed end in limited batches, set `stopAt` and run the query until its offset stays
the same. From Spark 4.2 on, `trigger(availableNow=True)` does this by itself.
"""

from jobs.sources.kinesis.client import require_stream
from jobs.sources.kinesis.client_errors import to_source_error
from jobs.sources.kinesis.connection import make_api
from jobs.sources.kinesis.datasource import KinesisDataSource
from jobs.sources.kinesis.faults import error_code, is_transient
from jobs.sources.kinesis.offset import Offset
from jobs.sources.kinesis.option_table import options_table
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.retry import Backoff

__all__ = [
    "Backoff",
    "KinesisDataSource",
    "KinesisOptions",
    "Offset",
    "error_code",
    "is_transient",
    "make_api",
    "options_table",
    "require_stream",
    "to_source_error",
]
