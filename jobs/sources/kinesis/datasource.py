"""The adapter to Spark: plan batches on the driver, read ranges on the executors."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.types import StructType

from jobs.errors import ConfigError
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
except ImportError:  # before Spark 4.2, which is the first version with limits
    ReadAllAvailable = ReadMaxRows = None
    SupportsTriggerAvailableNow = object

Json = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# The stream's time is corrected, except for up to 2 s.
_MAX_SKEW_MS = 2_000


class KinesisDataSource(DataSource):
    """The format `kinesis` of `spark.readStream`.

    Columns out: RECORD_SCHEMA
    Rows:        one for each user record
    """

    @classmethod
    def name(cls) -> str:
        return "kinesis"

    def schema(self) -> str:
        return RECORD_SCHEMA

    def streamReader(self, schema: StructType) -> "KinesisStreamReader":
        """The reader of one query.

        Raises:
            ConfigError: an option is unknown, missing or invalid.
        """
        return KinesisStreamReader(KinesisOptions.parse(self.options))


class KinesisStreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):  # type: ignore[misc]
    """Plans batches on the driver, reads ranges on the executors.

    Spark pickles the reader for the executors before it calls it. Therefore the reader connects at
    its first call.
    """

    def __init__(self, options: KinesisOptions) -> None:
        self._options = options
        self._planned: Json | None = None
        self._stop_at = options.stop_at

    def initialOffset(self) -> Json:
        """Driver. The same offset at each call, without shards and records.

        A query that restarts before it has committed its first batch gets a different one. The
        replay is still the same, because the end of the first batch contains the start of each
        range.
        """
        return self._initial_offset.to_json()

    def latestOffset(self, start: Json | None = None, limit: object = None) -> Json:
        """Driver. The end of the next batch.

        Before version 4.2, Spark passes no arguments. The start is then the end of the batch that
        was planned last.

        Raises:
            ConfigError: the query is new, and its starting position is a time in the future.
            SourceError: the stream is missing, forbidden or does not answer.
            DataLossError: records left the stream before they were read, or it is another stream.
        """
        begin = Offset.from_json(start or self._planned or self.initialOffset())
        shards = self._client.shards()
        now = self._client.now_ms()
        if begin.initial is not None and self._options.start_at is not None:
            self._require_past_start(begin.initial, now)
        return self._planner.plan(begin, shards, self._admission(limit), now).to_json()

    def partitions(self, start: Json, end: Json) -> Sequence[InputPartition]:
        """Driver. One partition for each shard that moved.

        After a restart, Spark calls this first, with the last offset of the checkpoint as both
        start and end.
        """
        self._planned = end
        return [
            InputPartition(planned)
            for planned in ranges(Offset.from_json(start), Offset.from_json(end))
        ]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Executor. The rows of one range; see `reader.read`."""
        planned: Range = partition.value
        return read(_executor_client(self._options), planned)

    def prepareForTriggerAvailableNow(self) -> None:
        """Driver, Spark 4.2. Records that arrive after this call are not read."""
        now = _time(self._client.now_ms())
        self._stop_at = now if self._stop_at is None else min(now, self._stop_at)

    def getDefaultReadLimit(self) -> object:
        """Driver, Spark 4.2. `maxRecordsPerBatch` as a limit of Spark."""
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
            stream=self._options.stream,
        )

    @cached_property
    def _initial_offset(self) -> Offset:
        options = self._options
        if options.starts_latest:
            self._client.shards()  # the answer contains the stream's time
        now = self._client.now_ms()
        start = Position(State.TRIM_HORIZON, since_ms=now)
        if not options.resume_from and options.starts_latest:
            start = Position(State.AT_TIMESTAMP, at_ms=now, since_ms=now)
        elif not options.resume_from and options.start_at is not None:
            start = Position(State.AT_TIMESTAMP, at_ms=_ms(options.start_at), since_ms=now)
        return Offset(as_of_ms=now, initial=start)

    def _require_past_start(self, initial: Position, now: int) -> None:
        if initial.at_ms is not None and initial.at_ms > now + _MAX_SKEW_MS:
            raise ConfigError(
                f"kinesis option 'startingPosition' is {_time(initial.at_ms).isoformat()}, which "
                f"is in the future: it is {_time(now).isoformat(timespec='seconds')} now. Set a "
                "time that has passed, or LATEST"
            )

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
    """One client for all tasks of a worker process. Making one takes longer than a small read.

    The endpoint is known to exist, because the driver has just planned the batch. A client whose
    credentials fail is kept: it connects again at its next call.
    """
    return KinesisClient(options, has_answered=True)


def _ms(time: datetime) -> int:
    return (time - _EPOCH) // _MILLISECOND


def _time(ms: int) -> datetime:
    return _EPOCH + ms * _MILLISECOND
