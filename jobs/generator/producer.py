"""Put records on a stream, in calls as large as PutRecords allows."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from jobs.config import Source, stream_name
from jobs.errors import SourceError
from jobs.generator.traffic import Record
from jobs.sources.kinesis import (
    Backoff,
    KinesisOptions,
    error_code,
    is_transient,
    make_api,
    to_source_error,
)

MAX_RECORDS_PER_CALL = 500
_MAX_BYTES_PER_CALL = 5 * 1024 * 1024

_RETRY_SECONDS = 60.0
_POLL_SECONDS = 0.1


class Producer:
    """One producer of one stream. Only one thread at a time may use it."""

    def __init__(self, source: Source, sleep: Callable[[float], None] = time.sleep) -> None:
        self._source = source
        self._options = KinesisOptions.parse(source.options())
        self._sleep = sleep
        self._has_answered = False
        try:
            # `_call` retries. botocore would not retry records that a successful call refuses.
            self._api, _ = make_api(self._options)
        except (BotoCoreError, ClientError) as error:
            raise to_source_error(error, self._options) from error

    def put(self, records: Sequence[Record]) -> None:
        """Put all of `records`. Only the records that the stream refuses are sent again.

        A record that was refused may follow a later one of its key.

        Raises:
            SourceError: the stream is missing, forbidden or unreachable, or has refused all
                records for a minute.
        """
        for batch in batches(records):
            self._put_batch(batch)

    def create_stream(self, shards: int) -> None:
        """Create the stream and wait until it is active. Keep a stream that already exists.

        Raises:
            SourceError: the stream cannot be created.
        """
        name = stream_name(self._source.stream)
        try:
            self._call(self._api.create_stream, StreamName=name, ShardCount=shards)
        except SourceError as error:
            if error_code(_cause(error)) != "ResourceInUseException":
                raise
        while self._status() != "ACTIVE":
            self._sleep(_POLL_SECONDS)

    def _status(self) -> str:
        answer = self._call(self._api.describe_stream_summary, **self._options.stream_request)
        return str(answer["StreamDescriptionSummary"]["StreamStatus"])

    def _put_batch(self, batch: Sequence[Record]) -> None:
        entries = [{"Data": record.data, "PartitionKey": record.partition_key} for record in batch]
        backoff = Backoff(_RETRY_SECONDS, sleep=self._sleep)
        while entries:
            answer = self._call(
                self._api.put_records, **self._options.stream_request, Records=entries
            )
            results = list(zip(entries, answer["Records"], strict=True))
            refused = [entry for entry, result in results if result.get("ErrorCode")]
            if len(refused) < len(entries):
                # The stream accepts some records, so it is only slower than the rate.
                backoff = Backoff(_RETRY_SECONDS, sleep=self._sleep)
            if refused and not backoff.wait(is_known=True):
                raise SourceError(
                    f"stream '{self._source.stream}' has refused all records for "
                    f"{_RETRY_SECONDS:.0f} seconds; lower the rate or add shards"
                )
            entries = refused

    def _call(self, operation: Callable[..., Any], **request: Any) -> Any:
        backoff = Backoff(_RETRY_SECONDS, sleep=self._sleep)
        while True:
            try:
                answer = operation(**request)
            except (BotoCoreError, ClientError) as error:
                if not is_transient(error) or not backoff.wait(is_known=self._has_answered):
                    raise self._to_source_error(error) from error
            else:
                self._has_answered = True
                return answer

    def _to_source_error(self, error: Exception) -> SourceError:
        if error_code(error) == "ResourceNotFoundException":
            return SourceError(
                f"there is no stream '{self._source.stream}' in {self._source.region}; check "
                "source.stream and source.region, or create it with --create-stream SHARDS"
            )
        if error_code(error) in ("AccessDeniedException", "AccessDenied"):
            return SourceError(
                f"no permission to write to stream '{self._source.stream}'; allow "
                "kinesis:PutRecords, and for --create-stream also kinesis:CreateStream and "
                f"DescribeStreamSummary ({' '.join(str(error).split())})"
            )
        return to_source_error(error, self._options)


def _cause(error: SourceError) -> Exception:
    return error.__cause__ if isinstance(error.__cause__, Exception) else error


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Split `records` into calls: at most 500 records, and 5 MiB of data and keys, in each."""
    batch: list[Record] = []
    size = 0
    for record in records:
        record_size = len(record.data) + len(record.partition_key.encode())
        if batch and (
            len(batch) == MAX_RECORDS_PER_CALL or size + record_size > _MAX_BYTES_PER_CALL
        ):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += record_size
    if batch:
        yield batch
