"""User records for the KPL: events and other bytes, in every size, under keys of every kind."""

import hashlib
import json
import time
from collections.abc import Iterator

from tests.support.kinesis.kpl_producer import UserRecord

LOWEST_HASH_KEY, HIGHEST_HASH_KEY = 0, 2**128 - 1
LARGE = 200_000
_NAMES = ("payment:order:created", "cart:item:added", "page:viewed", "message:sent")
_KEYS = ("key", "schlüssel åäö", "鍵 🔑", "x" * 256)
_NOT_EVENTS = (
    b"",
    b"\xff\xfe\x00\x80",
    b"\xf3\x89\x9a\xc2 looks aggregated",
    b'{"event_uuid": 1}\n',
)


def records_of_events(first: int, last: int) -> Iterator[UserRecord]:
    """The records of the events `first` to `last - 1`, each created now.

    Every 50th event is put twice, under two keys. Every 100th is followed by bytes that are no
    event, and every 300th is large, so that the KPL does not aggregate it.
    """
    for number in range(first, last):
        data = _event(number)
        yield UserRecord(data, _key(number), _hash_key(number))
        if number % 50 == 0:
            yield UserRecord(data, f"again {number}")
        if number % 100 == 0:
            yield UserRecord(_NOT_EVENTS[number // 100 % len(_NOT_EVENTS)], f"other {number}")


def _event(number: int) -> bytes:
    """An event of up to 1.4 kB, or a large one."""
    event = {
        "event_uuid": f"event {number} ĥ€𝄞",
        "event_name": _NAMES[number % len(_NAMES)],
        "created_at": time.time_ns() // 1_000_000,
        "text": "å" * (number % 200),
    }
    if number % 300 == 0:
        event["text"] = "z" * LARGE
    return json.dumps(event, ensure_ascii=number % 2 == 0).encode()


def _key(number: int) -> str:
    """One of 400 keys, most of them not ASCII or long."""
    return f"{number % 400}{_KEYS[number % len(_KEYS)]}"[:256]


def _hash_key(number: int) -> int | None:
    """A hash key for every fifth event: any, the lowest or the highest."""
    if number % 5:
        return None
    digest = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
    return (int.from_bytes(digest), LOWEST_HASH_KEY, HIGHEST_HASH_KEY)[number // 5 % 3]
