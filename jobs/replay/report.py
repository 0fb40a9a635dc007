"""The result of a replay: the outcome of each selected record, as text or JSON."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from jobs.reporting import count_line, reason_lines
from transforms.quarantine_filter import QuarantineFilter


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome of the records that were selected.

    selection:       the filter on quarantine
    dry_run:         nothing was written
    found:           rows of quarantine that match the filter
    replayed_before: rows that have a later attempt
    accepted:        records that the current rules accept, and that are old enough
    too_young:       records that the current rules accept, but created less than `patience` ago
    patience:        the age from which the table, not the state, decides about an event
    rejected:        records that the current rules reject again
    reasons:         rejected records by reason; a record counts under each of its reasons
    appended:        records that were appended to raw; 0 for a dry run
    present:         if no row matches the filter, the rows of quarantine on its dates, by reason
    """

    selection: QuarantineFilter
    dry_run: bool
    found: int
    replayed_before: int
    accepted: int
    too_young: int
    patience: timedelta
    rejected: int
    reasons: Mapping[str, int]
    appended: int
    present: Mapping[str, int]

    def to_json(self) -> str:
        """The report as one JSON object; dates are ISO 8601, `patience` is in seconds."""
        fields: dict[str, Any] = asdict(self) | {"patience": self.patience.total_seconds()}
        return json.dumps(fields, indent=2, default=str)

    def lines(self) -> Iterator[str]:
        """The report for people: a short table, then what to do next."""
        would = "would be " if self.dry_run else ""
        yield f"replay of quarantine: {self._selected()}"
        yield count_line("found", self.found)
        yield count_line("  replayed before", self.replayed_before)
        yield count_line("  accepted by the current rules", self.accepted)
        yield count_line("  accepted, but too young", self.too_young)
        yield count_line(f"  {would}rejected again", self.rejected)
        yield from reason_lines(self.reasons)
        if self.dry_run:
            yield count_line("would be appended to raw", self.accepted)
        else:
            yield count_line("appended to raw", self.appended)
        yield from self._next_steps()

    def _next_steps(self) -> Iterator[str]:
        if not self.found:
            yield "no record matches; on these dates quarantine has:"
            yield from reason_lines(self.present) if self.present else iter(("    nothing",))
        if self.too_young:
            yield (
                f"too young: created less than {self.patience} ago, so `process` could drop them "
                "as duplicates of their own first attempt; replay them when they are older"
            )
        if self.dry_run:
            yield "dry run: nothing was written"
        elif self.appended:
            yield (
                "next: a running `stream` or `process` reads them, with the rules that it was "
                "started with; if none is running, run `process --once`"
            )

    def _selected(self) -> str:
        parts = []
        if self.selection.reasons:
            parts.append(f"reason {' or '.join(sorted(self.selection.reasons))}")
        if self.selection.names:
            parts.append(f"name {' or '.join(sorted(self.selection.names))}")
        if self.selection.first or self.selection.last:
            first, last = self.selection.first or "the first", self.selection.last or "the last"
            parts.append(f"ingest dates from {first} to {last}")
        return ", ".join(parts) or "all records"
