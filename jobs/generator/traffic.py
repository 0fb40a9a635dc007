"""A stream of synthetic records with twins, late and broken ones, and what must become of them.

Pure and seeded: the same mix, seed and clock give the same records.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Literal

from jobs.errors import ConfigError
from jobs.generator.events import TIME_FORMS, Event, EventMaker, encode
from jobs.generator.faults import FAULTS

Sort = Literal["event", "late", "twin", "broken"]

TWINS = ("same bytes", "other payload", "other form of created_at")

_HOUR_MS = 3_600_000
_LATE_MS = (_HOUR_MS, 48 * _HOUR_MS)
# A producer sends an event at most this long after it was created, unless it is late.
_DELAY_MS = 2_000
# Events that may yet get a twin. Each new one takes the place of any other, so most twins come
# soon, as retries do, and a few come long after.
_REMEMBERED = 5_000


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What the stream is made of; shares are of all records, 0.05 is one in twenty."""

    names: int = 100
    twins: float = 0.05
    late: float = 0.01
    broken: float = 0.01
    seed: int = 1

    def __post_init__(self) -> None:
        shares = (self.twins, self.late, self.broken)
        if min(shares) < 0 or sum(shares) > 0.9:
            raise ConfigError(
                "twins, late and broken must be 0 or more, and at most 90% of the records "
                f"together, but are {', '.join(f'{share:.1%}' for share in shares)}"
            )
        if self.names < 1:
            raise ConfigError(f"names must be at least 1, but is {self.names}")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to put. `kind` tells which twin or which fault it is."""

    partition_key: str
    data: bytes
    sort: Sort
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Sent:
    event: Event
    moment_ms: int
    data: bytes


def records(mix: Mix, now_ms: Callable[[], int]) -> Iterator[Record]:
    """Records without end. `now_ms` is asked once for each: milliseconds since 1970."""
    chance = random.Random(mix.seed)
    maker = EventMaker(mix.names, chance)
    faults, twins = cycle(FAULTS), cycle(TWINS)
    remembered: list[_Sent] = []
    while True:
        moment_ms = now_ms() - chance.randrange(_DELAY_MS)
        draw = chance.random()
        if draw < mix.broken:
            event, moment_ms = maker.event(moment_ms)
            fault = next(faults)
            yield Record(_key(event), FAULTS[fault].spoil(event, moment_ms), "broken", fault)
        elif draw < mix.broken + mix.twins and remembered:
            kind = next(twins)
            first = chance.choice(remembered)
            yield Record(_key(first.event), _twin(first, kind, chance), "twin", kind)
        else:
            is_late = draw >= 1 - mix.late
            if is_late:
                moment_ms -= chance.randrange(*_LATE_MS)
            event, moment_ms = maker.event(moment_ms)
            sent = _Sent(event, moment_ms, encode(event))
            if len(remembered) < _REMEMBERED:
                remembered.append(sent)
            else:
                remembered[chance.randrange(_REMEMBERED)] = sent
            yield Record(_key(event), sent.data, "late" if is_late else "event")


def _key(event: Event) -> str:
    """All events of an account go to one shard, in order."""
    return str(event["account_id"])


def _twin(first: _Sent, kind: str, chance: random.Random) -> bytes:
    """The same identity once more."""
    match kind:
        case "same bytes":
            return first.data
        case "other payload":
            return encode({**first.event, "app_version": "5.99.0", "is_retry": True})
        case _:
            forms = (form(first.moment_ms) for form in TIME_FORMS.values())
            others = [value for value in forms if value != first.event["created_at"]]
            return encode({**first.event, "created_at": chance.choice(others)})


@dataclass
class Tally:
    """What has been put, and so what the tables must hold afterwards."""

    counts: Counter[tuple[Sort, str]] = field(default_factory=Counter)

    def add(self, put: Iterable[Record]) -> None:
        """Count records that the stream has taken."""
        self.counts.update((record.sort, record.kind) for record in put)

    def of(self, *sorts: Sort) -> int:
        """How many records of these sorts; without any, of all."""
        return sum(count for (sort, _), count in self.counts.items() if sort in sorts or not sorts)

    @property
    def identities(self) -> int:
        """Different events: what `events` must hold, each once."""
        return self.of("event", "late")

    @property
    def reasons(self) -> dict[str, int]:
        """What quarantine must hold, by reason."""
        reasons: Counter[str] = Counter()
        for (sort, kind), count in self.counts.items():
            if sort == "broken":
                reasons[FAULTS[kind].reason] += count
        return dict(sorted(reasons.items()))

    def kinds(self, sort: Sort) -> dict[str, int]:
        """The records of one sort, by kind."""
        return {kind: count for (each, kind), count in sorted(self.counts.items()) if each == sort}
