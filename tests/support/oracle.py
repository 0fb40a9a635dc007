"""What the tables must hold, told in plain Python from the bytes that producers put.

Nothing of the pipeline is used: another parser, another arithmetic of times.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

Identity = tuple[str, int]

_UUID = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,256}")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*")
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_MAX_NAME = 200
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_FLOOR = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_FUTURE = timedelta(minutes=5)


@dataclass(frozen=True)
class Expected:
    """The content of the three tables."""

    raw: Counter[bytes]
    events: dict[Identity, set[bytes]]
    quarantine: Counter[bytes]


def expected(put: Iterable[bytes], now: datetime) -> Expected:
    """Every identity once, with the payload of one of its records; all else in quarantine."""
    return expected_of((data, now) for data in put)


def expected_of(
    put: Iterable[tuple[bytes, datetime]], max_future: timedelta = _MAX_FUTURE
) -> Expected:
    """The same, for records that arrived each at a time of its own."""
    raw: Counter[bytes] = Counter()
    events: dict[Identity, set[bytes]] = {}
    quarantine: Counter[bytes] = Counter()
    for data, arrived in put:
        raw[data] += 1
        identity = judge(data, micros(arrived), max_future)
        if identity is None:
            quarantine[data] += 1
        else:
            events.setdefault(identity, set()).add(data)
    return Expected(raw, events, quarantine)


def judge(data: bytes, arrived: int, max_future: timedelta = _MAX_FUTURE) -> Identity | None:
    """The identity of a sound event, or None."""
    try:
        event = json.loads(data.decode("utf-8"), parse_constant=_refuse, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    uuid, name = event.get("event_uuid"), event.get("event_name")
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid) or not uuid.strip(" "):
        return None
    if "?" in uuid and _HALF_PAIR.search(json.dumps(event, ensure_ascii=False, default=str)):
        return None  # it may be what became of half a pair
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == _NULL_PARTITION:
        return None
    if len(name) > _MAX_NAME:
        return None
    created = _created_at(event.get("created_at"))
    latest = arrived + max_future // timedelta(microseconds=1)
    if created is None or not micros(_FLOOR) <= created <= latest:
        return None
    return uuid, created


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _created_at(given: object) -> int | None:
    """Microseconds since 1970."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal | str):
        return None
    if isinstance(given, str) and not _NUMBER.fullmatch(given):
        return _iso(given)
    number = Decimal(given)
    for bound, factor in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if abs(number) < bound:
            return int(number * factor)
    return None


def _iso(text: str) -> int | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError:
        return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)
