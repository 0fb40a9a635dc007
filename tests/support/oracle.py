"""The rows that the tables must contain, computed in plain Python from the bytes of the records.

It shares no code with the pipeline: it has another parser and another arithmetic of times.
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
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_MAX_FOLDER = 255
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ISO = re.compile(
    r" *(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})[Tt ]"
    r"(?P<time>[0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?)?|[0-9]{4}([0-9]{2}([.,][0-9]+)?)?) ?"
    r"(?P<offset>Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)(\[[^\[\]]+\])? *"
)
_DAY = 24 * 3600 * 10**6
_FLOOR = datetime(2000, 1, 1, tzinfo=UTC)
_MAX_FUTURE = timedelta(minutes=5)


@dataclass(frozen=True)
class Expected:
    """The content of the three tables: raw and quarantine by bytes, events by identity."""

    raw: Counter[bytes]
    events: dict[Identity, set[bytes]]
    quarantine: Counter[bytes]


def expected(records: Iterable[bytes], now: datetime) -> Expected:
    """Each identity once, with the payload of one of its records. The others are in quarantine."""
    return expected_of((data, now) for data in records)


def expected_of(
    records: Iterable[tuple[bytes, datetime]], max_future: timedelta = _MAX_FUTURE
) -> Expected:
    """The same for pairs of a record and its time of arrival."""
    raw: Counter[bytes] = Counter()
    events: dict[Identity, set[bytes]] = {}
    quarantine: Counter[bytes] = Counter()
    for data, arrived in records:
        raw[data] += 1
        identity = judge(data, micros(arrived), max_future)
        if identity is None:
            quarantine[data] += 1
        else:
            events.setdefault(identity, set()).add(data.removeprefix(_BYTE_ORDER_MARK))
    return Expected(raw, events, quarantine)


def judge(data: bytes, arrived: int, max_future: timedelta = _MAX_FUTURE) -> Identity | None:
    """The identity of a valid event, or None."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
        event = json.loads(text, parse_constant=_reject, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    uuid, name = event.get("event_uuid"), event.get("event_name")
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid) or not uuid.strip(" "):
        return None
    if "?" in uuid and _HALF_PAIR.search(json.dumps(event, ensure_ascii=False, default=str)):
        return None  # the question mark may replace half of a surrogate pair
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name == _NULL_PARTITION:
        return None
    if len("event_name=") + len(name) + 2 * name.count(":") > _MAX_FOLDER:
        return None
    created = _created_at(event.get("created_at"))
    latest = arrived + max_future // timedelta(microseconds=1)
    if created is None or not micros(_FLOOR) <= created <= latest:
        return None
    return uuid, created


def micros(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _created_at(value: object) -> int | None:
    """The value of a JSON member as microseconds since 1970, or None."""
    if not isinstance(value, Decimal | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return _iso(value)
    number = Decimal(value)
    for bound, factor in ((10**11, 10**6), (10**14, 10**3), (10**17, 1)):
        if abs(number) < bound:
            return int(number * factor)
    return None


def _iso(text: str) -> int | None:
    parts = _ISO.fullmatch(text)
    if parts is None:
        return None
    offset = re.sub("UTC|GMT|Z|z", "+00", parts["offset"])
    # The end of a day is the beginning of the next one.
    time, days = parts["time"].replace(",", "."), 0
    if re.fullmatch("24[0:.]*", time):
        time, days = "00" + time[2:], 1
    try:
        return micros(datetime.fromisoformat(f"{parts['date']}T{time}{offset}")) + days * _DAY
    except ValueError:
        return None


def _reject(constant: str) -> None:
    raise ValueError(constant)
