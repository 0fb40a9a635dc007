"""Amazon Kinesis as a source of Spark Structured Streaming.

    from jobs.sources.kinesis.datasource import KinesisDataSource

    spark.dataSource.register(KinesisDataSource)
    records = spark.readStream.format("kinesis").option("stream", "events").load()

Each batch is one exact range of sequence numbers per shard, found on the driver before anything is
read; a replayed batch has the same rows. The options stand in `kinesis_options.OPTIONS`.

Spark 4.0 has neither admission nor available-now for sources in Python. There, this source's own
options limit the batches of a query, and `trigger(availableNow=True)` takes one batch, as the
stream stands at the start; so with a limit set it leaves the rest to the next run. To drain a
stream in limited batches, set `stopAt` and run the query until its offsets stay the same. From
Spark 4.2 on, `trigger(availableNow=True)` does that itself.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from jobs.sources.kinesis.client import KinesisClient
from jobs.sources.kinesis.offset import Offset, Position, Range, State, ranges
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.planner import Admission, Planner
from jobs.sources.kinesis.probe import KinesisProbe
from jobs.sources.kinesis.reader import read
from transforms.columns import RECORD_SCHEMA

try:
    from pyspark.sql.streaming.datasource import (  # type: ignore[import-not-found]
        ReadAllAvailable,
        ReadMaxRows,
        SupportsTriggerAvailableNow,
    )
except ImportError:  # before Spark 4.2, which alone asks for limits
    ReadAllAvailable = ReadMaxRows = None
    SupportsTriggerAvailableNow = object

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class KinesisDataSource(DataSource):
    """`spark.readStream.format("kinesis")`. Columns out: RECORD_SCHEMA, one row a user record."""

    @classmethod
    def name(cls) -> str:
        return "kinesis"

    def schema(self) -> str:
        return RECORD_SCHEMA

    def streamReader(self, schema: StructType) -> "KinesisStreamReader":
        """Raises ConfigError for an option that is unknown or cannot be read."""
        return KinesisStreamReader(KinesisOptions.parse(self.options))


class KinesisStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):  # type: ignore[misc]
    """Plans batches on the driver, reads ranges on the executors.

    Spark pickles it for the executors before it is used, so it connects when it is asked to.
    """

    def __init__(self, options: KinesisOptions) -> None:
        self._options = options
        self._planned: Json | None = None
        self._stop_at = options.stop_at

    def initialOffset(self) -> Json:
        """Driver. The same offset however often Spark asks: it names no shards and no records.

        A query that restarts before its first batch was committed gets another one, which does
        not matter: the first batch's end tells where each of its ranges starts.
        """
        return self._initial_offset.to_json()

    def latestOffset(self, start: Json | None = None, limit: object = None) -> Json:
        """Driver. The end of the next batch. Spark 4.0 passes no arguments: there, the start is
        the end of the batch that it planned last.

        Raises:
            SourceError: the stream is missing, forbidden or does not answer.
            DataLossError: records left the stream before they were read.
        """
        begin = Offset.from_json(start or self._planned or self.initialOffset())
        end = self._planner.plan(
            begin, self._client.shards(), self._admission(limit), self._client.now_ms()
        )
        return end.to_json()

    def partitions(self, start: Json, end: Json) -> Sequence[InputPartition]:
        """Driver. One for each shard that moved. On a restart, Spark 4.0 calls this first, with
        twice the last offset of the checkpoint."""
        self._planned = end
        return [
            InputPartition(wanted)
            for wanted in ranges(Offset.from_json(start), Offset.from_json(end))
        ]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Executor. The rows of one range: see `kinesis_read.read`."""
        wanted: Range = partition.value
        return read(_executor_client(self._options), wanted)

    def prepareForTriggerAvailableNow(self) -> None:
        """Driver, Spark 4.2. From here on, what arrives later is not read."""
        now = _time(self._client.now_ms())
        self._stop_at = now if self._stop_at is None else min(now, self._stop_at)

    def getDefaultReadLimit(self) -> object:
        """Driver, Spark 4.2. `maxRecordsPerBatch`, as Spark calls it."""
        if self._options.max_records_per_batch:
            return ReadMaxRows(self._options.max_records_per_batch)
        return ReadAllAvailable()

    def stop(self) -> None:
        """Driver. Spark calls it when the query ends."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _client(self) -> KinesisClient:
        return KinesisClient(self._options)

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._options.probe_threads, thread_name_prefix="kinesis-probe")

    @cached_property
    def _planner(self) -> Planner:
        return Planner(
            KinesisProbe(self._client),
            self._threads,
            resume_from=dict(self._options.resume_from),
            fail_on_data_loss=self._options.fail_on_data_loss,
        )

    @cached_property
    def _initial_offset(self) -> Offset:
        options = self._options
        if options.starts_latest:
            self._client.shards()  # its answer tells the stream's time
        now = self._client.now_ms()
        start = Position(State.TRIM_HORIZON, since_ms=now)
        if not options.resume_from and options.starts_latest:
            start = Position(State.AT_TIMESTAMP, at_ms=now, since_ms=now)
        elif not options.resume_from and options.start_at is not None:
            start = Position(State.AT_TIMESTAMP, at_ms=_ms(options.start_at), since_ms=now)
        return Offset(as_of_ms=now, initial=start)

    def _admission(self, limit: object) -> Admission:
        options = self._options
        if limit is None:
            records = options.max_records_per_batch or None
        else:
            records = getattr(limit, "max_rows", None)
        return Admission(
            tip_lag_ms=options.tip_lag // _MILLISECOND,
            span_ms=options.max_batch_span // _MILLISECOND or None,
            records=records,
            until_ms=None if self._stop_at is None else _ms(self._stop_at),
        )


@lru_cache(maxsize=8)
def _executor_client(options: KinesisOptions) -> KinesisClient:
    """One client for all tasks of a worker process: to make one takes longer than a small read.
    The stream is there: the driver has just looked into it."""
    return KinesisClient(options, has_answered=True)


def _ms(time: datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND


def _time(ms: int) -> datetime:
    return _EPOCH + ms * _MILLISECOND
