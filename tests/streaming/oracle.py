"""What the tables must hold, told in plain Python from the bytes that producers put.

Nothing of the pipeline is used: another parser, another arithmetic of times.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

Identity = tuple[str, int]

_NAME = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)*")
_FLOOR = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_FUTURE_MICROS = 300_000_000


@dataclass(frozen=True)
class Expected:
    """The content of the three tables."""

    raw: Counter[bytes]
    events: dict[Identity, set[bytes]]
    quarantine: Counter[bytes]


def expected(put: Iterable[bytes], now: datetime) -> Expected:
    """Every identity once, with the payload of one of its records; all else in quarantine."""
    raw = Counter(put)
    events: dict[Identity, set[bytes]] = {}
    quarantine: Counter[bytes] = Counter()
    for data, times in raw.items():
        identity = judge(data, _micros(now))
        if identity is None:
            quarantine[data] = times
        else:
            events.setdefault(identity, set()).add(data)
    return Expected(raw, events, quarantine)


def judge(data: bytes, arrived: int) -> Identity | None:
    """The identity of a sound event, or None."""
    try:
        event = json.loads(data.decode("utf-8"), parse_constant=_refuse, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    uuid, name = event.get("event_uuid"), event.get("event_name")
    if not isinstance(uuid, str) or not uuid.strip():
        return None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    created = _created_at(event.get("created_at"))
    if created is None or not _micros(_FLOOR) <= created <= arrived + _MAX_FUTURE_MICROS:
        return None
    return uuid, created


def _created_at(given: object) -> int | None:
    """Microseconds since 1970."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal | str):
        return None
    try:
        number = Decimal(given)
    except InvalidOperation:
        return _iso(str(given))
    for bound, factor in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if abs(number) < bound:
            return int(number * factor)
    return None


def _iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else _micros(moment)


def _micros(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds


def _refuse(constant: str) -> None:
    raise ValueError(constant)
