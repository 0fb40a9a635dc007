"""The result of an audit: the outcomes in numbers and the violations, as text or JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from jobs.reporting import count_line, reason_lines

# Every kind of violation, with its description in the report
VIOLATIONS: Mapping[str, str] = {
    "lost": "in raw, but neither stored, nor a duplicate of a stored event, nor quarantined",
    "read_twice": "the same position twice in raw",
    "stored_twice": "the same position twice in events",
    "quarantined_twice": "the same position twice in quarantine",
    "stored_and_quarantined": "the same position in events and in quarantine",
    "identity_twice": "the same event_uuid and created_at more than once in events",
    "invented_event": "in events, but not in raw",
    "invented_rejection": "in quarantine, but not in raw",
    "changed": "its bytes are not those in raw",
    "misfiled": "its identity, its name or its partition does not agree with its payload",
    "misderived": "its promoted or derived columns do not agree with its payload; run rebuild",
}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One violating row: its position and, if it can be read, its identity."""

    shard_id: str | None
    sequence_number: str | None
    sub_sequence_number: int | None
    record_index: int | None
    attempt: int | None
    event_uuid: str | None
    created_at: str | None

    def __str__(self) -> str:
        """`shardId-000000000000/4959…/0 event_uuid=e1 created_at=2026-01-31T00:00:00.000000Z`"""
        position = f"{self.shard_id}/{self.sequence_number}/{self.sub_sequence_number}"
        if self.record_index is not None and self.record_index >= 0:
            position += f"/{self.record_index}"
        attempt = f" attempt={self.attempt}" if self.attempt else ""
        if self.event_uuid is None:
            return f"{position}{attempt}"
        return f"{position}{attempt} event_uuid={self.event_uuid} created_at={self.created_at}"


@dataclass(frozen=True)
class Violation:
    """One kind of violation, the number of violating rows, and some of them."""

    kind: str
    count: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of every record in raw for a range of ingest dates, both inclusive.

    raw:         records in raw
    stored:      records that are an event
    duplicates:  records whose identity an event from another record has
    quarantined: records that are in quarantine
    pending:     records that `process` has not processed yet
    outdated:    values of fields that were added after their events were stored
    reasons:     rows in quarantine by reason; a row counts under each of its reasons
    """

    first: date | None
    last: date | None
    raw: int
    stored: int
    duplicates: int
    quarantined: int
    pending: int
    outdated: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    violations: Sequence[Violation] = ()

    @property
    def is_clean(self) -> bool:
        """True if there is no violation and every record has an outcome."""
        return not self.violations and self.unaccounted == 0

    @property
    def unaccounted(self) -> int:
        """Records in raw without an outcome, and repeated rows of raw. Each is a violation."""
        return self.raw - self.stored - self.duplicates - self.quarantined - self.pending

    def to_json(self) -> str:
        """The report as one JSON object; dates and times are ISO 8601."""
        fields: dict[str, Any] = {"clean": self.is_clean} | asdict(self)
        return json.dumps(fields, indent=2, default=str)

    def lines(self) -> Iterator[str]:
        """The report for people: a short table, then the violations."""
        yield f"audit of {self._range()}"
        yield count_line("raw records", self.raw)
        yield count_line("  stored as events", self.stored)
        yield count_line("  duplicates of stored events", self.duplicates)
        yield count_line("  quarantined", self.quarantined)
        yield from reason_lines(self.reasons)
        yield count_line("  not processed yet", self.pending)
        yield count_line("  not accounted for", self.unaccounted)
        if self.outdated:
            yield count_line("outdated values of events", self.outdated)
            yield "  (values of fields that were added later; `rebuild` fills them)"
        for violation in self.violations:
            yield f"VIOLATION {violation.kind}: {violation.count:,} ({VIOLATIONS[violation.kind]})"
            yield from (f"  {sample}" for sample in violation.samples)
            if violation.count > len(violation.samples):
                yield f"  and {violation.count - len(violation.samples):,} more"
        yield "clean: nothing lost, nothing stored twice" if self.is_clean else "NOT clean"

    def _range(self) -> str:
        if self.first is None and self.last is None:
            return "all ingest dates"
        return f"ingest dates from {self.first or 'the first'} to {self.last or 'the last'}"
