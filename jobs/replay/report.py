"""What a replay did, or would do, for people and for programs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from jobs.reporting.reasons import line, reason_lines
from transforms.quarantine import Choice


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of the records that were chosen.

    found:           rows of quarantine that fit the choice
    replayed_before: those of which there is a later attempt
    accepted:        those that today's rules accept, and that are old enough
    too_young:       those that they accept, but that are younger than `patience`
    rejected:        those that they reject again
    reasons:         why, by reason; a record counts under each that it has
    appended:        records that raw now has once more; none with `dry_run`
    present:         what quarantine holds in these dates, by reason, where nothing fits the choice
    """

    choice: Choice
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
        """One JSON object; dates are ISO 8601, `patience` is in seconds."""
        fields: dict[str, Any] = asdict(self) | {"patience": self.patience.total_seconds()}
        return json.dumps(fields, indent=2, default=str)

    def lines(self) -> Iterator[str]:
        """A short table, then what to do next."""
        would = "would be " if self.dry_run else ""
        yield f"replay of quarantine: {self._chosen()}"
        yield line("found", self.found)
        yield line("  replayed before", self.replayed_before)
        yield line("  accepted by today's rules", self.accepted)
        yield line("  accepted, but too young", self.too_young)
        yield line(f"  {would}rejected again", self.rejected)
        yield from reason_lines(self.reasons)
        if self.dry_run:
            yield line("would be appended to raw", self.accepted)
        else:
            yield line("appended to raw", self.appended)
        yield from self._next()

    def _next(self) -> Iterator[str]:
        if not self.found:
            yield "nothing fits; quarantine holds, in these dates:"
            yield from reason_lines(self.present) if self.present else iter(("    nothing",))
        if self.too_young:
            yield (
                f"too young: created less than {self.patience} ago, so `process` may still take "
                "them for twins of their own first delivery; replay them when they are older"
            )
        if self.dry_run:
            yield "nothing was written: run it without --dry-run"
        elif self.appended:
            yield (
                "next: a running `stream` or `process` takes them, by the rules that it was "
                "started with; where none runs, `process --once` does"
            )

    def _chosen(self) -> str:
        parts = (
            [f"reason {' or '.join(sorted(self.choice.reasons))}"] if self.choice.reasons else []
        )
        if self.choice.names:
            parts.append(f"name {' or '.join(sorted(self.choice.names))}")
        if self.choice.first or self.choice.last:
            first, last = self.choice.first or "the first", self.choice.last or "the last"
            parts.append(f"ingest dates from {first} to {last}")
        return ", ".join(parts) or "all of it"
