"""The control calls of the fake Kinesis: `FakeKinesis` (client) and `control` (server).

They are HTTP calls with their own target. A test therefore uses a fake in its own process and a
fake in another process in the same way.
"""

import json
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.support.servers.fake_api import KinesisApi
from tests.support.servers.fake_faults import Fault, Faults, Kind
from tests.support.servers.fake_state import Answer, Request
from tests.support.servers.fake_volume import event_of
from tests.support.servers.server import Server

TARGET = "FakeKinesis"


class FakeKinesis(Server):
    """A running fake Kinesis: its URL, and the control calls of a test."""

    def fail(
        self,
        kind: Kind,
        operation: str = "GetRecords",
        *,
        shard: str = "",
        times: int = 1,
        rate: float = 1.0,
        skip: int = 0,
    ) -> None:
        """Break the next `times` calls (all if negative) after `skip` successful ones."""
        self._order(
            "Fail",
            kind=kind,
            operation=operation,
            shard=shard,
            times=times,
            rate=rate,
            skip=skip,
        )

    def heal(self) -> None:
        """Remove all faults and limits."""
        self._order("Heal")

    def limit_reads(self) -> None:
        """Limit readers to 5 calls and 2 MiB per second on each shard, as Kinesis does."""
        self._order("LimitReads")

    def limit_pages(self, records: int) -> None:
        """Answer GetRecords with at most `records` records, as Kinesis may."""
        self._order("LimitPages", records=records)

    def list_shards_by(self, shards: int) -> None:
        """Answer ListShards in pages of `shards` shards."""
        self._order("ListShardsBy", shards=shards)

    def require_arn(self, arn: str) -> None:
        """Reject each call that does not have this ARN, as a stream of another account does."""
        self._order("RequireArn", arn=arn)

    def expire_iterators(self) -> None:
        """Expire every iterator that was issued so far."""
        self._order("ExpireIterators")

    def trim(self, stream: str, shard: str, sequence_number: str) -> None:
        """Let retention pass: the shard loses its records up to and including this one."""
        self._order("Trim", stream=stream, shard=shard, sequence_number=sequence_number)

    def forget(self, stream: str, shard: str) -> None:
        """Let retention pass: the shard leaves the stream."""
        self._order("Forget", stream=stream, shard=shard)

    def advance_clock(self, time: timedelta) -> None:
        """Let time pass on the server: iterators expire, records reach the retention time."""
        self._order("AdvanceClock", milliseconds=round(time.total_seconds() * 1000))

    def shift_arrivals(self, time: timedelta) -> None:
        """Shift the arrival time of the records that are put from now on by `time`."""
        self._order("ShiftArrivals", milliseconds=round(time.total_seconds() * 1000))

    def fill(self, stream: str, records: int, *, record_bytes: int = 322, span: timedelta) -> None:
        """Fill each shard of a stream with generated events, which arrived over the last `span`.

        The stream accepts no more records. `fake_volume.event_of` generates the events.
        """
        milliseconds = round(span.total_seconds() * 1000)
        self._order(
            "Fill",
            stream=stream,
            records=records,
            record_bytes=record_bytes,
            milliseconds=milliseconds,
        )

    def calls(self) -> dict[str, dict[str, int]]:
        """The number of calls of each operation, by shard (`""`: on the stream)."""
        counted: dict[str, dict[str, int]] = self._order("Calls")
        return counted

    def count(self, operation: str) -> int:
        """The number of calls of an operation, over all shards."""
        return sum(self.calls().get(operation, {}).values())

    def throttled(self) -> int:
        """The number of calls that the limits of `limit_reads` refused."""
        return int(self._order("Throttled")["count"])

    def reset_calls(self) -> None:
        """Count from zero again."""
        self._order("ResetCalls")

    def _order(self, name: str, **request: Any) -> Any:
        headers = {
            "X-Amz-Target": f"{TARGET}.{name}",
            "Content-Type": "application/x-amz-json-1.1",
        }
        body = json.dumps(request).encode()
        call = urllib.request.Request(self.url, body, headers, method="POST")
        with urllib.request.urlopen(call, timeout=600) as answer:
            return json.load(answer)


def control(api: KinesisApi, faults: Faults, name: str, request: Request) -> Answer:
    """The server side: apply one control call."""
    return _ORDERS[name](api, faults, **request) or {}


def _heal(api: KinesisApi, faults: Faults) -> None:
    faults.heal()
    api.max_page_records, api.shards_per_listing, api.arrival_shift_ms = 10_000, 1000, 0


def _fail(api: KinesisApi, faults: Faults, kind: str, **fault: Any) -> None:
    faults.waiting.append(Fault(Kind(kind), **fault))


def _limit_reads(api: KinesisApi, faults: Faults) -> None:
    faults.limits_on = True


def _limit_pages(api: KinesisApi, faults: Faults, records: int) -> None:
    api.max_page_records = records


def _list_shards_by(api: KinesisApi, faults: Faults, shards: int) -> None:
    api.shards_per_listing = shards


def _require_arn(api: KinesisApi, faults: Faults, arn: str) -> None:
    api.required_arn = arn


def _expire_iterators(api: KinesisApi, faults: Faults) -> None:
    # A later iterator must not share the millisecond of one that is expired here.
    api.clock.ahead_ms += 1
    api.expired_before_ms = api.clock.now_ms()


def _trim(api: KinesisApi, faults: Faults, stream: str, shard: str, sequence_number: str) -> None:
    trimmed = api.streams[stream].shard(shard)
    trimmed.log.first = trimmed.position(sequence_number, after=True)


def _forget(api: KinesisApi, faults: Faults, stream: str, shard: str) -> None:
    del api.streams[stream].shards[shard]


def _advance_clock(api: KinesisApi, faults: Faults, milliseconds: int) -> None:
    api.clock.ahead_ms += milliseconds


def _shift_arrivals(api: KinesisApi, faults: Faults, milliseconds: int) -> None:
    api.arrival_shift_ms = milliseconds


def _fill(
    api: KinesisApi,
    faults: Faults,
    stream: str,
    records: int,
    record_bytes: int,
    milliseconds: int,
) -> None:
    newest_ms = api.clock.now_ms()

    def data_of(shard: int, index: int) -> bytes:
        return event_of(shard, index, newest_ms, record_bytes)

    api.streams[stream].fill(records, data_of, milliseconds)


def _calls(api: KinesisApi, faults: Faults) -> Answer:
    counted: dict[str, dict[str, int]] = {}
    for (operation, shard), count in faults.calls.items():
        counted.setdefault(operation, {})[shard] = count
    return counted


def _throttled(api: KinesisApi, faults: Faults) -> Answer:
    return {"count": faults.throttled}


def _reset_calls(api: KinesisApi, faults: Faults) -> None:
    faults.calls.clear()
    faults.throttled = 0


_ORDERS: dict[str, Callable[..., Answer | None]] = {
    "AdvanceClock": _advance_clock,
    "Calls": _calls,
    "ExpireIterators": _expire_iterators,
    "Fail": _fail,
    "Fill": _fill,
    "Forget": _forget,
    "Heal": _heal,
    "LimitPages": _limit_pages,
    "LimitReads": _limit_reads,
    "ListShardsBy": _list_shards_by,
    "RequireArn": _require_arn,
    "ResetCalls": _reset_calls,
    "ShiftArrivals": _shift_arrivals,
    "Throttled": _throttled,
    "Trim": _trim,
}
