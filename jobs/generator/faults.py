"""The mistakes of producers, and the reason that quarantine must have for each."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from jobs.generator.events import Event, encode, iso

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Fault:
    """One way to spoil a valid event that was created at a time (milliseconds since 1970).

    `reason` is the only reason that the record gets in quarantine.
    """

    reason: str
    spoil: Callable[[Event, int], bytes]


def _without(member: str) -> Callable[[Event, int], bytes]:
    def spoil(event: Event, ms: int) -> bytes:
        return encode({key: value for key, value in event.items() if key != member})

    return spoil


def _with(member: str, wrong: Callable[[int], object]) -> Callable[[Event, int], bytes]:
    """`wrong` gives the value of the member from the time of the event."""

    def spoil(event: Event, ms: int) -> bytes:
        return encode({**event, member: wrong(ms)})

    return spoil


FAULTS: dict[str, Fault] = {
    # The record is not one JSON object
    "nothing": Fault("not_json", lambda event, ms: b""),
    "plain text": Fault("not_json", lambda event, ms: b"503 upstream request timed out"),
    "cut off": Fault("not_json", lambda event, ms: encode(event)[:60]),
    "Python, not JSON": Fault("not_json", lambda event, ms: str(event).encode()),
    "NaN": Fault("not_json", _with("user_id", lambda ms: float("nan"))),
    "Latin-1": Fault(
        "not_utf8", lambda event, ms: encode({**event, "city": "Malmö"}).decode().encode("cp1252")
    ),
    "compressed": Fault("not_utf8", lambda event, ms: gzip.compress(encode(event), mtime=0)),
    "a list of events": Fault("not_an_object", lambda event, ms: encode([event])),
    "two events": Fault("trailing_data", lambda event, ms: encode(event) + b"\n" + encode(event)),
    # The identity
    "no event_uuid": Fault("missing_event_uuid", _without("event_uuid")),
    "event_uuid null": Fault("missing_event_uuid", _with("event_uuid", lambda ms: None)),
    "event_uuid a number": Fault("wrong_type_event_uuid", _with("event_uuid", lambda ms: ms)),
    # The name
    "no event_name": Fault("missing_event_name", _without("event_name")),
    "event_name a list": Fault("wrong_type_event_name", _with("event_name", lambda ms: ["page"])),
    "event_name in words": Fault(
        "invalid_event_name", _with("event_name", lambda ms: "Order completed!")
    ),
    "event_name with a gap": Fault(
        "invalid_event_name", _with("event_name", lambda ms: "payment::completed")
    ),
    # The time
    "no created_at": Fault("missing_created_at", _without("created_at")),
    "created_at true": Fault("wrong_type_created_at", _with("created_at", lambda ms: True)),
    "created_at in words": Fault(
        "created_at_unreadable", _with("created_at", lambda ms: "yesterday")
    ),
    "created_at without offset": Fault(
        "created_at_unreadable", _with("created_at", lambda ms: iso(ms)[:19])
    ),
    "created_at in nanoseconds": Fault(
        "created_at_unreadable", _with("created_at", lambda ms: ms * 1_000_000)
    ),
    "created_at in two days": Fault(
        "created_at_in_future", _with("created_at", lambda ms: ms + 2 * _DAY_MS)
    ),
    "created_at in 1970": Fault(
        "created_at_too_old", _with("created_at", lambda ms: ms // 1_000_000)
    ),
}
