"""Read one range of a shard. Runs on the executors.

A range is read exactly as it was planned: it starts with the first record of the plan and ends with
the last one, or the task fails. A replayed batch therefore has the same rows.
"""

import warnings
from bisect import bisect_right
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from jobs.errors import DataLossError, SourceError
from jobs.sources.kinesis.client import (
    Answer,
    ExpiredIteratorError,
    KinesisClient,
    RefusedStartError,
)
from jobs.sources.kinesis.faults import error_code
from jobs.sources.kinesis.get_records import Records
from jobs.sources.kinesis.kpl import MAGIC, user_records
from jobs.sources.kinesis.model import StartingPoint
from jobs.sources.kinesis.offset import Range
from jobs.sources.kinesis.probe import QUIET_ANSWERS
from jobs.sources.kinesis.replaced_stream import ReplacedStream, was_replaced
from jobs.sources.kinesis.retry import Backoff
from transforms import columns as c

RECORD_BATCH_SCHEMA = pa.schema(
    [
        pa.field(c.DATA, pa.binary()),
        pa.field(c.PARTITION_KEY, pa.string()),
        pa.field(c.SHARD_ID, pa.string()),
        pa.field(c.SEQUENCE_NUMBER, pa.string()),
        pa.field(c.SUB_SEQUENCE_NUMBER, pa.int64()),
        pa.field(c.ARRIVED_AT, pa.timestamp("us", tz="UTC")),
    ]
)


def read(client: KinesisClient, planned: Range) -> Iterator[pa.RecordBatch]:
    """The rows of a range, one batch for each answer of the stream.

    Columns out: RECORD_SCHEMA
    Rows:        one for each record, or for each user record of an aggregated one

    Raises:
        DataLossError: the first or the last record of the range has left the stream. With
            failOnDataLoss=false, the reader warns and reads the records that are left.
        SourceError: the stream is forbidden or does not answer.
    """
    for records in _prefetched(_RangeReader(client, planned).records()):
        yield _arrow_batch(planned.shard_id, records)


class _ReplacedStreamError(Exception):
    """The range was planned on an earlier stream of the name, and data loss is allowed."""


@dataclass
class _RangeReader:
    """Reads one shard through a range, and replaces iterators that expire."""

    client: KinesisClient
    planned: Range
    _last_read: str | None = None

    def records(self) -> Iterator[Records]:
        """The records of the range, page by page. No page is empty."""
        try:
            yield from self._records()
        except _ReplacedStreamError:
            return  # no record of another stream belongs to the range

    def _records(self) -> Iterator[Records]:
        for answer in self._answers():
            if not answer.records:
                continue
            if self._last_read is None:
                self._check_first(answer.records.sequence_numbers[0])
            page, is_last = self._cut(answer.records)
            if page:
                self._last_read = page.sequence_numbers[-1]
                yield page
            if is_last:
                return
        if self.planned.last is not None or self._last_read is None:
            self._fail_incomplete("the shard's end")

    def _answers(self) -> Iterator[Answer]:
        """Answers until the shard's end: a null iterator, or a tip that stays quiet.

        A server may return a record at the tip to the driver earlier than to an executor. A range
        with a last record therefore waits for that record, up to `retryTimeout`. A range without
        one belongs to a closed shard, which gets no more records, and does not wait.
        """
        iterator: str | None = self._iterator()
        quiet, backoff = 0, Backoff(self.client.options.retry_timeout.total_seconds())
        while iterator is not None:
            try:
                answer = self.client.records(
                    self.planned.shard_id, iterator, self.client.options.fetch_limit
                )
            except ExpiredIteratorError:
                iterator = self._iterator()
                continue
            yield answer
            iterator = answer.next_iterator
            quiet = 0 if answer.records or answer.millis_behind_latest else quiet + 1
            if quiet >= QUIET_ANSWERS and (
                self.planned.last is None or not backoff.wait(is_known=True)
            ):
                return

    def _iterator(self) -> str:
        """An iterator at the first record of the range, or after the last one read."""
        if self._last_read is not None:
            start = StartingPoint.after(self._last_read)
        else:
            start = StartingPoint.at(self.planned.first)
        try:
            return self.client.iterator(self.planned.shard_id, start)
        except RefusedStartError:
            return self.client.iterator(self.planned.shard_id, StartingPoint.trim_horizon())
        except SourceError as error:
            if error_code(error.__cause__) == "ResourceNotFoundException":
                self._fail_if_replaced()
            raise

    def _check_first(self, found: str) -> None:
        if found == self.planned.first:
            return
        self._report_loss(
            f"shard {self.planned.shard_id}: the batch starts at {self.planned.first}, but the "
            f"oldest record left is {found}. The records between them left the stream after the "
            "batch was planned. Raise the stream's retention"
        )

    def _cut(self, records: Records) -> tuple[Records, bool]:
        """The part of an answer that belongs to the range, and whether the range ends here."""
        if self.planned.last is None:
            return records, False
        last = int(self.planned.last)
        numbers = records.sequence_numbers
        if int(numbers[-1]) < last:
            return records, False
        count = bisect_right(numbers, last, key=int)
        if count == 0 or int(numbers[count - 1]) != last:
            self._fail_incomplete(numbers[min(count, len(numbers) - 1)])
        return records.head(count), True

    def _fail_incomplete(self, found: str) -> None:
        expected = self.planned.last or f"{self.planned.first} and the records after it"
        self._report_loss(
            f"shard {self.planned.shard_id}: expected {expected}, but after "
            f"{self._last_read or 'the start of the batch'} the stream returned {found}. It was "
            "trimmed, or it is not the stream that the batch was planned on. Raise the stream's "
            "retention, or set option 'stream' to that stream"
        )

    def _report_loss(self, message: str) -> None:
        self._fail_if_replaced()
        self._fail(message)

    def _fail_if_replaced(self) -> None:
        planned_ms = self.planned.planned_ms
        created_ms = None if planned_ms is None else self.client.created_ms()
        if planned_ms is None or created_ms is None or not was_replaced(created_ms, planned_ms):
            return
        self._fail(
            f"shard {self.planned.shard_id}: "
            f"{ReplacedStream(self.client.options.stream, created_ms, planned_ms)}"
        )
        raise _ReplacedStreamError

    def _fail(self, message: str) -> None:
        if self.client.options.fail_on_data_loss:
            raise DataLossError(message)
        warnings.warn(message, stacklevel=2)


def _prefetched(pages: Iterator[Records]) -> Iterator[Records]:
    """The same pages. The next page is fetched while Spark processes the current one."""
    fetcher = ThreadPoolExecutor(1, thread_name_prefix="kinesis-fetch")
    try:
        following = fetcher.submit(next, pages, None)
        while (page := following.result()) is not None:
            following = fetcher.submit(next, pages, None)
            yield page
    finally:
        fetcher.shutdown(wait=False, cancel_futures=True)


def _arrow_batch(shard_id: str, records: Records) -> pa.RecordBatch:
    sub_sequence_numbers = [0] * len(records)
    if any(data.startswith(MAGIC) for data in records.data):
        records, sub_sequence_numbers = _deaggregated(records)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(records.data, pa.binary()),
            pa.array(records.partition_keys, pa.string()),
            pa.repeat(pa.scalar(shard_id, pa.string()), len(records)),
            pa.array(records.sequence_numbers, pa.string()),
            pa.array(sub_sequence_numbers, pa.int64()),
            pa.array(records.arrived_us, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        ],
        schema=RECORD_BATCH_SCHEMA,
    )


def _deaggregated(records: Records) -> tuple[Records, list[int]]:
    """The user records of aggregated records, and the index of each in its record."""
    split, indexes = Records(), []
    for data, key, number, arrived in zip(
        records.data,
        records.partition_keys,
        records.sequence_numbers,
        records.arrived_us,
        strict=True,
    ):
        for index, (user_data, user_key) in enumerate(user_records(data) or [(data, key)]):
            split.data.append(user_data)
            split.partition_keys.append(user_key)
            split.sequence_numbers.append(number)
            split.arrived_us.append(arrived)
            indexes.append(index)
    return split, indexes
