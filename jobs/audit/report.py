"""What the audit found, for people and for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from jobs.reporting.reasons import line, reason_lines

# Every way in which the tables can break the promise, and how it is told.
BREACHES: Mapping[str, str] = {
    "lost": "in raw, but neither stored, nor a twin of a stored event, nor quarantined",
    "read_twice": "the same position twice in raw",
    "stored_twice": "the same position twice in events",
    "quarantined_twice": "the same position twice in quarantine",
    "stored_and_quarantined": "the same position in events and in quarantine",
    "identity_twice": "the same event_uuid and created_at more than once in events",
    "invented_event": "in events, but not in raw",
    "invented_rejection": "in quarantine, but not in raw",
    "changed": "its bytes are not those in raw",
    "misfiled": "its columns or its partition do not say what its payload says",
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One offending row: its place in the stream and, where it can be read, its identity."""

    shard_id: str | None
    sequence_number: str | None
    sub_sequence_number: int | None
    attempt: int | None
    event_uuid: str | None
    created_at: str | None

    def __str__(self) -> str:
        """`shardId-000000000000/4959…/0 event_uuid=e1 created_at=2026-01-31T00:00:00Z`"""
        position = f"{self.shard_id}/{self.sequence_number}/{self.sub_sequence_number}"
        attempt = f" attempt={self.attempt}" if self.attempt else ""
        if self.event_uuid is None:
            return f"{position}{attempt}"
        return f"{position}{attempt} event_uuid={self.event_uuid} created_at={self.created_at}"


@dataclass(frozen=True)
class Breach:
    """One way in which the promise is broken, with some of the rows that break it."""

    kind: str
    count: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of every raw record of a range of ingest dates.

    raw:         records in raw
    stored:      records that are an event
    twins:       records whose identity is stored from another record
    quarantined: records that are in quarantine
    pending:     records that `process` has not taken yet
    reasons:     rows in quarantine by reason; a row counts under each that it has
    """

    first: date | None
    last: date | None
    raw: int
    stored: int
    twins: int
    quarantined: int
    pending: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    breaches: Sequence[Breach] = ()

    @property
    def is_clean(self) -> bool:
        """True where nothing breaks the promise and every record is accounted for."""
        return not self.breaches and self.unaccounted == 0

    @property
    def unaccounted(self) -> int:
        """Records in raw that are in none of the outcomes: those that a breach is about."""
        return self.raw - self.stored - self.twins - self.quarantined - self.pending

    def to_json(self) -> str:
        """One JSON object; dates and times are ISO 8601."""
        fields: dict[str, Any] = {"clean": self.is_clean} | asdict(self)
        return json.dumps(fields, indent=2, default=str)

    def lines(self) -> Iterator[str]:
        """A short table, then the breaches."""
        yield f"audit of {self._range()}"
        yield line("raw records", self.raw)
        yield line("  stored as events", self.stored)
        yield line("  twins of stored events", self.twins)
        yield line("  quarantined", self.quarantined)
        yield from reason_lines(self.reasons)
        yield line("  not processed yet", self.pending)
        yield line("  not accounted for", self.unaccounted)
        for breach in self.breaches:
            yield f"BREACH {breach.kind}: {breach.count:,} ({BREACHES[breach.kind]})"
            yield from (f"  {sample}" for sample in breach.samples)
            if breach.count > len(breach.samples):
                yield f"  and {breach.count - len(breach.samples):,} more"
        yield "clean: nothing lost, nothing twice" if self.is_clean else "NOT clean"

    def _range(self) -> str:
        if self.first is None and self.last is None:
            return "all ingest dates"
        return f"ingest dates {self.first or 'from the first'} to {self.last or 'the last'}"
