"""Event streams that try to be lost or stored twice, drawn from a seed.

A *story* is one event and every record that tells of it: twins with another payload, under another
name, on another shard, hours later. Stories take their uuids from a small pool, so that they also
meet each other. A *step* is one life of the driver: how long after the one before, on a machine
with which clock, and what befalls it.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, TypeVar

Drawn = TypeVar("Drawn")
Befalls = Literal["nothing", "compaction", "lost checkpoint", "death behind events", "death"]

SHARDS = 3
MAX_FUTURE = timedelta(minutes=1)
_SECOND, _MINUTE, _HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_MICRO = timedelta(microseconds=1)

# Each list is dealt out in a random order, so that every hazard meets every other one.
_PAUSES = (0 * _SECOND, _SECOND, 90 * _SECOND, 9 * _MINUTE, 3 * _HOUR, 7 * _HOUR)
_CLOCKS = (0 * _SECOND, 0 * _SECOND, -30 * _SECOND, _HOUR, 5 * _HOUR)
_WINDOWS = (2 * _MINUTE, 10 * _MINUTE, 10 * _MINUTE, 60 * _MINUTE)
_LAGS = (0 * _SECOND, 0 * _SECOND, 2 * _SECOND, 50 * _MINUTE, 4 * _HOUR)
_HAZARDS: tuple[Befalls, ...] = (
    "nothing",
    "compaction",
    "lost checkpoint",
    "death behind events",
    "death",
)


@dataclass(frozen=True)
class Step:
    """One life of the driver.

    pause:   how long after the step before it starts
    clock:   how far the machine's clock is ahead of the true time
    window:  `once.window` in this life
    lags:    how long records of each shard have waited when they are read
    commits: in how many commits of raw they are read
    """

    pause: timedelta
    clock: timedelta
    window: timedelta
    lags: tuple[timedelta, ...]
    commits: int
    befalls: Befalls


@dataclass(frozen=True)
class Telling:
    """One record of an event: in which step it is read, from which shard, and how it is written."""

    step: int
    shard: int
    time_form: int
    name: str
    rest: str


@dataclass(frozen=True)
class Story:
    """An event, and all its records.

    uuid:    the member as JSON
    created: counted from the time of its first record's step; or the member as JSON, mostly none
             that is a time
    unit:    what created_at is a multiple of
    """

    uuid: str
    created: timedelta | str
    unit: timedelta
    tellings: tuple[Telling, ...]


def steps(count: int, chance: random.Random) -> list[Step]:
    """As many lives of the driver; each hazard in one of every five."""
    dealt = [_dealt(hazard, count, chance) for hazard in (_PAUSES, _CLOCKS, _WINDOWS, _HAZARDS)]
    return [
        Step(
            pause=pause,
            clock=clock,
            window=window,
            lags=tuple(chance.choice(_LAGS) for _ in range(SHARDS)),
            commits=chance.randint(1, 3),
            befalls=befalls,
        )
        for pause, clock, window, befalls in zip(*dealt, strict=True)
    ]


def stories(count: int, steps: int, chance: random.Random) -> list[Story]:
    """`count` stories over so many steps. One Spark run takes all of them."""
    return [_story(steps, chance) for _ in range(count)]


def told(
    stories: Sequence[Story], steps: Sequence[Step], times: Sequence[datetime]
) -> list[list[tuple[bytes, int]]]:
    """The bytes and the shard of each record, step by step; `times` are those of the steps."""
    records: list[list[tuple[bytes, int]]] = [[] for _ in steps]
    for story in stories:
        first = times[min(telling.step for telling in story.tellings)]
        for telling in story.tellings:
            created = _created(story, first, telling.time_form)
            members = f'"event_uuid": {story.uuid}, "event_name": {telling.name}'
            body = f"{{{members}{created}{telling.rest}}}"
            data = body.encode("utf-8", "surrogatepass")
            records[telling.step].append((data, telling.shard))
    return records


def _dealt(choices: Sequence[Drawn], count: int, chance: random.Random) -> list[Drawn]:
    dealt: list[Drawn] = []
    while len(dealt) < count:
        dealt += chance.sample(choices, len(choices))
    return dealt[:count]


def _created(story: Story, first: datetime, form: int) -> str:
    if isinstance(story.created, str):
        return story.created
    micros = (first + story.created - datetime(1970, 1, 1, tzinfo=UTC)) // _MICRO
    micros -= micros % (story.unit // _MICRO)
    forms = _time_forms(micros)
    return f', "created_at": {forms[form % len(forms)]}'


def _time_forms(micros: int) -> list[str]:
    """Every way to write one time as a JSON value."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + micros * _MICRO
    digits = f"{micros // 10**6}.{micros % 10**6:06d}"
    india = moment + timedelta(hours=5, minutes=30)
    plain = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    texts = [
        f"{plain}Z",
        f"{plain}000+00:00",
        plain.replace("T", " ") + "+0000",
        india.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+05:30",
    ]
    numbers = [str(micros), digits, f"{digits}9"]  # what is finer than a microsecond is cut
    if micros % 10**3 == 0:
        numbers.append(str(micros // 10**3))
    if micros % 10**6 == 0:
        numbers += [str(micros // 10**6), f"{micros // 10**6}.0"]
        texts.append(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    return [*numbers, f"{digits}e0", *(json.dumps(text) for text in numbers + texts)]


# Few enough to meet again, and pairs that only look alike.
_UUIDS = [*(f"e{number}" for number in range(60)), "E1", "e1 ", "\u00e9", "e\u0301", "?", "😀"]
_ODD_TEXT = ["", " ", "\x00", "a\nb", "\x7f", "\u0085", "\u00a0", "x" * 256, "x" * 257, "😀" * 256]
_HALF_PAIRS = ["\ud800", "\udc00", "e\ud83d1", "\ude00\ud83d", "?\ud83d"]
_NO_TEXT: list[object] = [None, 1, 1.5, True, [], ["e1"], {"e1": 1}]
_NO_ISO = ["2026-01-01T00:00:00", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00+99:00"]
_NO_TIMES: list[object] = [
    None,
    True,
    [],
    {},
    0,
    -1,
    10**17,
    "0",
    "",
    "soon",
    "1e9",
    " 1",
    *_NO_ISO,
]
# Of two members of one name the last counts.
_TWICE = ', "created_at": 1, "created_at": 1767225600'
_NAMES = ["a:b", "a:b:c", "d"]
_BAD_NAMES: list[object] = [None, "", "a b", ":a", 7, "x" * 201, "__HIVE_DEFAULT_PARTITION__"]
_RESTS = ["", "", ', "x": 1', ', "x": "\\ud800"', ', "x": {"event_uuid": "e1"}', "\n"]
_BROKEN_RESTS = ["} {", ", ", ', "x": NaN', ', "x": "\udc80"', "\x00"]


def _story(steps: int, chance: random.Random) -> Story:
    return Story(
        uuid=_uuid(chance),
        created=_created_at(chance),
        unit=chance.choice([_SECOND, _SECOND, 1000 * _MICRO, _MICRO]),
        tellings=tuple(_telling(steps, chance) for _ in range(chance.randint(1, 6))),
    )


def _uuid(chance: random.Random) -> str:
    """Mostly one from the pool, in either way to write a character in JSON."""
    drawn: object = chance.choice(_UUIDS)
    if chance.random() < 0.15:
        drawn = chance.choice([*_ODD_TEXT, *_HALF_PAIRS, *_NO_TEXT])
    elif chance.random() < 0.1:
        drawn = "".join(chr(chance.randrange(0x3000)) for _ in range(chance.randint(1, 4)))
    return json.dumps(drawn, ensure_ascii=chance.random() < 0.7)


def _created_at(chance: random.Random) -> timedelta | str:
    """On both sides of every border that a rule draws, and anywhere."""
    if chance.random() < 0.1:
        return chance.choice(
            ["", _TWICE, f', "created_at": {json.dumps(chance.choice(_NO_TIMES))}']
        )
    if chance.random() < 0.4:
        return chance.randint(-30 * 3600, 3600) * _SECOND
    windows = [-factor * window for window in _WINDOWS for factor in (1, 2)]
    border = chance.choice(
        [0 * _SECOND, MAX_FUTURE, *windows, *(MAX_FUTURE - lag for lag in _LAGS)]
    )
    return border + chance.randint(-1, 1) * _MICRO


def _telling(steps: int, chance: random.Random) -> Telling:
    return Telling(
        step=chance.randrange(steps),
        shard=chance.randrange(SHARDS),
        time_form=chance.randrange(60),
        name=json.dumps(chance.choice(_NAMES if chance.random() < 0.95 else _BAD_NAMES)),
        rest=chance.choice(_RESTS if chance.random() < 0.95 else _BROKEN_RESTS),
    )
