"""Generate synthetic records (duplicates, late and broken ones included) and count them by kind.

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

Sort = Literal["event", "late", "duplicate", "broken"]

DUPLICATES = ("same bytes", "other payload", "other form of created_at")

_HOUR_MS = 3_600_000
_LATE_MS = (_HOUR_MS, 48 * _HOUR_MS)
# A producer sends an event at most this long after it was created, unless it is late.
_DELAY_MS = 2_000
# The number of events that may still get a duplicate. Each new event replaces a random one. Most
# duplicates therefore follow soon, as retries do, and a few follow much later.
_REMEMBERED = 5_000


@dataclass(frozen=True, kw_only=True)
class Mix:
    """The composition of the stream. Shares are of all records; 0.05 is one in twenty."""

    names: int = 100
    duplicates: float = 0.05
    late: float = 0.01
    broken: float = 0.01
    seed: int = 1

    def __post_init__(self) -> None:
        shares = (self.duplicates, self.late, self.broken)
        if min(shares) < 0 or sum(shares) > 0.9:
            raise ConfigError(
                "duplicates, late and broken must be at least 0%, and at most 90% together, got "
                f"{', '.join(f'{share:.1%}' for share in shares)}"
            )
        if self.names < 1:
            raise ConfigError(f"names must be at least 1, got {self.names}")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to put. `kind` is the kind of duplicate, or the name of the fault."""

    partition_key: str
    data: bytes
    sort: Sort
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _Sent:
    event: Event
    created_ms: int
    data: bytes


def records(mix: Mix, now_ms: Callable[[], int]) -> Iterator[Record]:
    """An endless stream of records. `now_ms` is called once for each: milliseconds since 1970."""
    chance = random.Random(mix.seed)
    maker = EventMaker(mix.names, chance)
    faults, duplicates = cycle(FAULTS), cycle(DUPLICATES)
    remembered: list[_Sent] = []
    while True:
        created_ms = now_ms() - chance.randrange(_DELAY_MS)
        draw = chance.random()
        if draw < mix.broken:
            event, created_ms = maker.event(created_ms)
            fault = next(faults)
            yield Record(_key(event), FAULTS[fault].spoil(event, created_ms), "broken", fault)
        elif draw < mix.broken + mix.duplicates and remembered:
            kind = next(duplicates)
            first = chance.choice(remembered)
            yield Record(_key(first.event), _duplicate(first, kind, chance), "duplicate", kind)
        else:
            is_late = draw >= 1 - mix.late
            if is_late:
                created_ms -= chance.randrange(*_LATE_MS)
            event, created_ms = maker.event(created_ms)
            sent = _Sent(event, created_ms, encode(event))
            if len(remembered) < _REMEMBERED:
                remembered.append(sent)
            else:
                remembered[chance.randrange(_REMEMBERED)] = sent
            yield Record(_key(event), sent.data, "late" if is_late else "event")


def _key(event: Event) -> str:
    """The partition key. All events of an account go to one shard, in order."""
    return str(event["account_id"])


def _duplicate(first: _Sent, kind: str, chance: random.Random) -> bytes:
    """A record that repeats the identity of `first`."""
    match kind:
        case "same bytes":
            return first.data
        case "other payload":
            return encode({**first.event, "app_version": "5.99.0", "is_retry": True})
        case _:
            forms = (form(first.created_ms) for form in TIME_FORMS.values())
            others = [value for value in forms if value != first.event["created_at"]]
            return encode({**first.event, "created_at": chance.choice(others)})


@dataclass
class Tally:
    """Counts of the records that were put, and so of the rows that the tables must have."""

    counts: Counter[tuple[Sort, str]] = field(default_factory=Counter)

    def add(self, put: Iterable[Record]) -> None:
        """Count records that the stream has accepted."""
        self.counts.update((record.sort, record.kind) for record in put)

    def of(self, *sorts: Sort) -> int:
        """The number of records of these sorts; without an argument, of all records."""
        return sum(count for (sort, _), count in self.counts.items() if sort in sorts or not sorts)

    @property
    def identities(self) -> int:
        """The number of different events, which `events` must contain once each."""
        return self.of("event", "late")

    @property
    def reasons(self) -> dict[str, int]:
        """The number of rows that quarantine must contain, by reason."""
        reasons: Counter[str] = Counter()
        for (sort, kind), count in self.counts.items():
            if sort == "broken":
                reasons[FAULTS[kind].reason] += count
        return dict(sorted(reasons.items()))

    def kinds(self, sort: Sort) -> dict[str, int]:
        """The number of records of one sort, by kind."""
        return {kind: count for (each, kind), count in sorted(self.counts.items()) if each == sort}
