"""Event streams that try to be lost or stored twice, drawn from a seed.

A *drawn event* has one or more deliveries: records with another payload, under another name, on
another shard or hours later. Drawn events take their uuids from a small pool, so some are equal. A
*step* is one life of the driver: it begins a pause after the step before, on a machine with its own
clock, and a hazard may happen in it.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

Drawn = TypeVar("Drawn")
Hazard = Literal["nothing", "compaction", "lost checkpoint", "death after events", "death"]

SHARDS = 3
MAX_FUTURE = timedelta(minutes=1)
_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_MICRO = timedelta(microseconds=1)

# Each list is used in a random order, so each pause meets each clock, window and hazard.
_PAUSES = (0 * _SECOND, _SECOND, 90 * _SECOND, 9 * _MINUTE, 3 * _HOUR, 7 * _HOUR)
_CLOCKS = (0 * _SECOND, 0 * _SECOND, -30 * _SECOND, _HOUR, 5 * _HOUR)
_WINDOWS = (2 * _MINUTE, 10 * _MINUTE, 10 * _MINUTE, 60 * _MINUTE)
_LAGS = (0 * _SECOND, 0 * _SECOND, 2 * _SECOND, 50 * _MINUTE, 4 * _HOUR)
_HAZARDS: tuple[Hazard, ...] = (
    "nothing",
    "compaction",
    "lost checkpoint",
    "death after events",
    "death",
)


@dataclass(frozen=True)
class Step:
    """One life of the driver.

    pause:   time between the start of the step before and the start of this one
    clock:   how far the clock of the machine is ahead of the true time
    window:  `once.window` in this life
    lags:    time between arrival and reading of the records, for each shard
    commits: number of commits to raw
    hazard:  what happens to the driver, its checkpoint or its tables
    """

    pause: timedelta
    clock: timedelta
    window: timedelta
    lags: tuple[timedelta, ...]
    commits: int
    hazard: Hazard


@dataclass(frozen=True)
class Delivery:
    """One record of an event.

    step, shard: where and when it is read
    time_form:   index of the way in which created_at is written
    name:        the member event_name as JSON
    rest:        text after these members
    """

    step: int
    shard: int
    time_form: int
    name: str
    rest: str


@dataclass(frozen=True)
class DrawnEvent:
    """An event with all of its records.

    uuid:    the member event_uuid as JSON
    created: created_at, counted from the time of the first step with a delivery; or the member
             created_at as JSON, which in most cases is no time
    unit:    created_at is a multiple of it
    """

    uuid: str
    created: timedelta | str
    unit: timedelta
    deliveries: tuple[Delivery, ...]


def steps(count: int, chance: random.Random) -> list[Step]:
    """Draw `count` lives of the driver. Each hazard happens in one of five."""
    drawn = [_shuffled(choices, count, chance) for choices in (_PAUSES, _CLOCKS, _WINDOWS)]
    hazards = _shuffled(_HAZARDS, count, chance)
    return [
        Step(
            pause=pause,
            clock=clock,
            window=window,
            lags=tuple(chance.choice(_LAGS) for _ in range(SHARDS)),
            commits=chance.randint(1, 3),
            hazard=hazard,
        )
        for pause, clock, window, hazard in zip(*drawn, hazards, strict=True)
    ]


def drawn_events(count: int, steps: int, chance: random.Random) -> list[DrawnEvent]:
    """Draw `count` events whose records are delivered over this number of steps."""
    return [_drawn_event(steps, chance) for _ in range(count)]


def records_by_step(
    events: Sequence[DrawnEvent], steps: Sequence[Step], times: Sequence[datetime]
) -> list[list[tuple[bytes, int]]]:
    """The bytes and the shard of each record, for each step. `times` are those of the steps."""
    records: list[list[tuple[bytes, int]]] = [[] for _ in steps]
    for event in events:
        first = times[min(delivery.step for delivery in event.deliveries)]
        for delivery in event.deliveries:
            created = _created(event, first, delivery.time_form)
            members = f'"event_uuid": {event.uuid}, "event_name": {delivery.name}'
            body = f"{{{members}{created}{delivery.rest}}}"
            data = body.encode("utf-8", "surrogatepass")
            records[delivery.step].append((data, delivery.shard))
    return records


def _shuffled(choices: Sequence[Drawn], count: int, chance: random.Random) -> list[Drawn]:
    """Each of `choices` in a random order, then again in another order, until there are `count`."""
    drawn: list[Drawn] = []
    while len(drawn) < count:
        drawn += chance.sample(choices, len(choices))
    return drawn[:count]


def _created(event: DrawnEvent, first: datetime, form: int) -> str:
    if isinstance(event.created, str):
        return event.created
    micros = (first + event.created - datetime(1970, 1, 1, tzinfo=UTC)) // _MICRO
    micros -= micros % (event.unit // _MICRO)
    forms = _time_forms(micros)
    return f', "created_at": {forms[form % len(forms)]}'


def _time_forms(micros: int) -> list[str]:
    """Every way to write one time as a JSON value."""
    time = datetime(1970, 1, 1, tzinfo=UTC) + micros * _MICRO
    digits = f"{micros // 10**6}.{micros % 10**6:06d}"
    india = time + timedelta(hours=5, minutes=30)
    plain = time.strftime("%Y-%m-%dT%H:%M:%S.%f")
    texts = [
        f"{plain}Z",
        f"{plain}000+00:00",
        plain.replace("T", " ") + "+0000",
        india.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+05:30",
        india.strftime("%Y%m%dT%H%M%S,%f") + "+0530",
        plain.replace("T", " ") + " UTC",
        f"{plain}+00:00[Europe/London]",
    ]
    numbers = [str(micros), digits, f"{digits}9"]  # digits after the microseconds are cut
    if micros % 10**3 == 0:
        numbers.append(str(micros // 10**3))
    if micros % 10**6 == 0:
        numbers += [str(micros // 10**6), f"{micros // 10**6}.0"]
        texts += [time.strftime("%Y-%m-%dT%H:%M:%SZ"), time.strftime("%Y-%m-%d %H:%M:%S+00")]
    if micros % (60 * 10**6) == 0:
        texts += [time.strftime("%Y-%m-%dT%H:%MZ"), india.strftime("%Y-%m-%dT%H:%M+05:30")]
    return [*numbers, f"{digits}e0", *(json.dumps(text) for text in numbers + texts)]


# A small pool, so that events repeat; some uuids only look equal.
_UUIDS = [*(f"e{number}" for number in range(60)), "E1", "e1 ", "\u00e9", "e\u0301", "?", "😀"]
_ODD_TEXT = ["", " ", "\x00", "a\nb", "\x7f", "\u0085", "\u00a0", "x" * 256, "x" * 257, "😀" * 256]
_HALF_PAIRS = ["\ud800", "\udc00", "e\ud83d1", "\ude00\ud83d", "?\ud83d"]
_NO_TEXT: list[object] = [None, 1, 1.5, True, [], ["e1"], {"e1": 1}]
_NO_ISO = ["2026-01-01T00:00:00", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:00"]
_NO_NUMBERS = [0, -1, 10**17, "0", "", "soon", "1e9", " 1"]
_NO_TIMES: list[object] = [None, True, [], {}, *_NO_NUMBERS, *_NO_ISO]
# The last of two members with one name counts.
_TWICE = ', "created_at": 1, "created_at": 1767225600'
_NAMES = ["a:b", "a:b:c", "d"]
_TOO_LONG = ["x" * 245, ":".join("a" * 100)]
_BAD_NAMES: list[object] = [None, "", "a b", ":a", 7, *_TOO_LONG, "__HIVE_DEFAULT_PARTITION__"]
_LONG_NUMBER = f', "x": {10**1500}'
_RESTS = ["", ', "x": 1', _LONG_NUMBER, ', "x": "\\ud800"', ', "x": {"event_uuid": "e1"}', "\n"]
_BROKEN_RESTS = ["} {", ", ", ', "x": NaN', ', "x": "\udc80"', "\x00"]


def _drawn_event(steps: int, chance: random.Random) -> DrawnEvent:
    return DrawnEvent(
        uuid=_uuid(chance),
        created=_created_at(chance),
        unit=chance.choice([_SECOND, _SECOND, 1000 * _MICRO, _MICRO]),
        deliveries=tuple(_delivery(steps, chance) for _ in range(chance.randint(1, 6))),
    )


def _uuid(chance: random.Random) -> str:
    """In most cases one from the pool, with or without escaped characters."""
    drawn: object = chance.choice(_UUIDS)
    if chance.random() < 0.15:
        drawn = chance.choice([*_ODD_TEXT, *_HALF_PAIRS, *_NO_TEXT])
    elif chance.random() < 0.1:
        drawn = "".join(chr(chance.randrange(0x3000)) for _ in range(chance.randint(1, 4)))
    return json.dumps(drawn, ensure_ascii=chance.random() < 0.7)


def _created_at(chance: random.Random) -> timedelta | str:
    """On both sides of each limit that a rule has, and anywhere else."""
    if chance.random() < 0.1:
        return chance.choice(
            ["", _TWICE, f', "created_at": {json.dumps(chance.choice(_NO_TIMES))}']
        )
    if chance.random() < 0.4:
        return chance.randint(-30 * 3600, 3600) * _SECOND
    windows = [-factor * window for window in _WINDOWS for factor in (1, 2)]
    limit = chance.choice([0 * _SECOND, MAX_FUTURE, *windows, *(MAX_FUTURE - lag for lag in _LAGS)])
    return limit + chance.randint(-1, 1) * _MICRO


def _delivery(steps: int, chance: random.Random) -> Delivery:
    return Delivery(
        step=chance.randrange(steps),
        shard=chance.randrange(SHARDS),
        time_form=chance.randrange(60),
        name=json.dumps(chance.choice(_NAMES if chance.random() < 0.95 else _BAD_NAMES)),
        rest=chance.choice(_RESTS if chance.random() < 0.95 else _BROKEN_RESTS),
    )
