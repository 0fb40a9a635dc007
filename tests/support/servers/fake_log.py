"""The records of a shard of the fake Kinesis, stored as the JSON that GetRecords returns.

`MemoryLog` accepts records one by one. `VolumeLog` is filled once. It writes the JSON to a file,
maps the file into memory, and serves any range as a slice, so that the server costs almost nothing
in a benchmark. The index of a record counts from the first record of the shard, and never changes.
`first` increases when records are trimmed.
"""

import base64
import json
import mmap
import tempfile
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple, Protocol

MAX_ANSWER_BYTES = 10 * 1024 * 1024


class Page(NamedTuple):
    """Records up to index `stop` as the inside of a JSON array; `data_bytes` counts to limits."""

    stop: int
    encoded: bytes
    data_bytes: int


class Log(Protocol):
    """The records of a shard."""

    first: int

    @property
    def end(self) -> int:
        """The index of the newest record plus one."""

    def arrival_ms(self, index: int) -> int: ...

    def at_time(self, arrival_ms: int) -> int:
        """The index of the first retained record that arrived then or later, or `end`."""

    def page(self, start: int, limit: int) -> Page:
        """At most `limit` records and 10 MiB from `start` on, but at least one if there is one."""


def encoded_record(data: bytes, key: str, sequence_number: int, arrival_ms: int) -> bytes:
    """A record as GetRecords returns it. Its time is in epoch seconds with three decimals."""
    return (
        b'{"ApproximateArrivalTimestamp":%d.%03d,"Data":"%b",'
        b'"PartitionKey":%b,"SequenceNumber":"%d"}'
    ) % (
        *divmod(arrival_ms, 1000),
        base64.b64encode(data),
        json.dumps(key).encode(),
        sequence_number,
    )


@dataclass(frozen=True)
class _Record:
    encoded: bytes
    data_bytes: int
    arrival_ms: int


class MemoryLog:
    """Records in the order in which they were put."""

    def __init__(self) -> None:
        self.first = 0
        self._records: list[_Record] = []

    @property
    def end(self) -> int:
        return len(self._records)

    def append(self, data: bytes, key: str, sequence_number: int, arrival_ms: int) -> None:
        encoded = encoded_record(data, key, sequence_number, arrival_ms)
        self._records.append(_Record(encoded, len(data) + len(key.encode()), arrival_ms))

    def arrival_ms(self, index: int) -> int:
        return self._records[index].arrival_ms

    def at_time(self, arrival_ms: int) -> int:
        # Arrival times may decrease, so each of them is compared.
        late_enough = (i for i in range(self.first, self.end) if self.arrival_ms(i) >= arrival_ms)
        return next(late_enough, self.end)

    def page(self, start: int, limit: int) -> Page:
        records = self._records[start : start + limit]
        sizes = list(accumulate(record.data_bytes for record in records))
        fitting = max(1, sum(size <= MAX_ANSWER_BYTES for size in sizes)) if records else 0
        encoded = b",".join(record.encoded for record in records[:fitting])
        return Page(start + fitting, encoded, sizes[fitting - 1] if fitting else 0)


class VolumeLog:
    """Many generated records of one size, which are written to a file once.

    `data_of(i)` returns the bytes of record `i`, `sequence_number_of(i)` its sequence number.
    Arrival times increase evenly from `oldest_ms` to `newest_ms`.
    """

    def __init__(
        self,
        count: int,
        data_of: Callable[[int], bytes],
        sequence_number_of: Callable[[int], int],
        oldest_ms: int,
        newest_ms: int,
    ) -> None:
        self.first = 0
        self._count = count
        self._oldest_ms, self._span_ms = oldest_ms, newest_ms - oldest_ms
        self._starts = array("Q", [0])
        self._sizes = array("Q", [0])
        # The map keeps the content of the file after the file is closed and deleted.
        with tempfile.TemporaryFile() as file:
            for i in range(count):
                data, key = data_of(i), f"key-{i % 1009}"
                text = encoded_record(data, key, sequence_number_of(i), self.arrival_ms(i)) + b","
                file.write(text)
                self._starts.append(self._starts[-1] + len(text))
                self._sizes.append(self._sizes[-1] + len(data) + len(key))
            file.flush()
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    @property
    def end(self) -> int:
        return self._count

    def arrival_ms(self, index: int) -> int:
        return self._oldest_ms + index * self._span_ms // max(1, self._count - 1)

    def at_time(self, arrival_ms: int) -> int:
        low, high = self.first, self._count
        while low < high:
            middle = (low + high) // 2
            if self.arrival_ms(middle) < arrival_ms:
                low = middle + 1
            else:
                high = middle
        return low

    def page(self, start: int, limit: int) -> Page:
        stop = min(start + limit, self._count)
        while stop > start + 1 and self._sizes[stop] - self._sizes[start] > MAX_ANSWER_BYTES:
            stop -= max(1, (stop - start) // 64)
        # Without the comma of the last record. An empty range is an empty slice.
        encoded = self._text[self._starts[start] : max(self._starts[start], self._starts[stop] - 1)]
        return Page(stop, encoded, self._sizes[stop] - self._sizes[start])
