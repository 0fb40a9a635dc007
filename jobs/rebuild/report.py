"""The result of a rebuild: what it changes, or would change, as text or JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.dataframes import count_reasons
from jobs.rebuild.recompute import (
    CHANGED,
    KIND,
    NOT_IN_RAW,
    OF_ANOTHER_IDENTITY,
    REJECTED,
    STORED,
    differs,
    recomputed_columns,
)
from jobs.reporting import count_line, reason_lines
from transforms.columns import IDENTITY
from transforms.unpacking import position_text

_MAX_CHARS = 60


@dataclass(frozen=True)
class Example:
    """One value that changes, with the position of its record."""

    position: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """`"quiz" -> "quiz:started"  shardId-000000000000/4959…/0/0`"""
        old, new = (json.dumps(value, ensure_ascii=False) for value in (self.old, self.new))
        return f"{old} -> {new}  {self.position}"


@dataclass(frozen=True)
class ColumnChange:
    """A column that changes: the number of values, and the first and the last by position."""

    column: str
    values: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference between the stored events of some partitions and the current rules.

    first, last: the event dates, both inclusive
    names:       the event names; empty for all names
    version:     the version of the events table that was read
    dry_run:     nothing was written
    partitions:  the number of partitions that have events
    rows:        events in these partitions
    changed:     events with a column that changes
    columns:     the columns that change
    new_columns: columns that the table does not have yet
    rejected:    events that are moved to quarantine
    reasons:     rejected events by reason; an event counts under each of its reasons
    replaced:    rejected events that an accepted duplicate replaces
    not_in_raw:  events whose record is not in raw any more; they stay as they are
    identities:  columns of the identity that would change; if there are any, nothing is written
    """

    first: date
    last: date
    names: tuple[str, ...]
    version: int
    dry_run: bool = False
    partitions: int = 0
    rows: int = 0
    changed: int = 0
    columns: Sequence[ColumnChange] = ()
    new_columns: Sequence[str] = ()
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    replaced: int = 0
    not_in_raw: int = 0
    identities: Sequence[ColumnChange] = ()

    @property
    def is_nothing(self) -> bool:
        """True if no event changes and none is rejected."""
        return not self.changed and not self.rejected

    def to_json(self) -> str:
        """The report as one JSON object; dates are ISO 8601."""
        return json.dumps(asdict(self), indent=2, default=str, ensure_ascii=False)

    def lines(self) -> Iterator[str]:
        """The report for people: a short table, then what was done."""
        names = f" of {', '.join(self.names)}" if self.names else ""
        yield f"events{names} from {self.first} to {self.last}, version {self.version} of the table"
        yield count_line("partitions", self.partitions)
        yield count_line("events", self.rows)
        yield count_line("  changed", self.changed)
        yield from _change_lines(self.columns)
        yield count_line("  to quarantine", self.rejected)
        yield from reason_lines(self.reasons)
        if self.replaced:
            yield count_line("    replaced by an accepted duplicate", self.replaced)
        yield count_line("  not in raw any more, left as they are", self.not_in_raw)
        if self.new_columns:
            yield f"new columns: {', '.join(self.new_columns)}"
        if self.identities:
            yield "REFUSED: the current rules read another identity"
            yield from _change_lines(self.identities)
        if self.dry_run:
            yield "dry run: nothing was changed"
        else:
            yield "nothing to change" if self.is_nothing else "rebuilt"


def count_differences(
    rows: DataFrame, columns: Sequence[str], difference: Difference
) -> Difference:
    """Return `difference` with the counts of the rows that differ.

    Columns in:   those of `jobs.rebuild.recompute.differing`

    Args:
        columns: those of the events table.
    """
    counts = {row[KIND]: row["count"] for row in rows.groupBy(KIND).count().collect()}
    of_kind = {
        kind: rows.where(F.col(KIND) == kind) if counts.get(kind) else None
        for kind in (CHANGED, OF_ANOTHER_IDENTITY)
    }
    return replace(
        difference,
        changed=counts.get(CHANGED, 0),
        columns=_changes(of_kind[CHANGED], recomputed_columns(columns)),
        rejected=counts.get(REJECTED, 0),
        reasons=count_reasons(rows.where(F.col(KIND) == REJECTED)),
        not_in_raw=counts.get(NOT_IN_RAW, 0),
        identities=_changes(of_kind[OF_ANOTHER_IDENTITY], IDENTITY),
    )


def _changes(rows: DataFrame | None, columns: Sequence[str]) -> tuple[ColumnChange, ...]:
    """One for each of `columns` that differs in a row, in the order of `columns`."""
    if rows is None:
        return ()
    changes = (
        F.when(
            differs(name),
            F.struct(
                F.lit(name).alias("column"),
                F.left(F.col(STORED)[name].cast("string"), F.lit(_MAX_CHARS)).alias("old"),
                F.left(F.col(name).cast("string"), F.lit(_MAX_CHARS)).alias("new"),
            ),
        )
        for name in columns
    )
    position = position_text().alias("position")
    example = F.struct("position", "change.old", "change.new")
    collected = (
        rows.select(position, F.explode(F.array_compact(F.array(*changes))).alias("change"))
        .groupBy("change.column")
        .agg(
            F.count(F.lit(1)).alias("values"),
            F.array_distinct(F.array(F.min(example), F.max(example))).alias("examples"),
        )
        .collect()
    )
    by_column = {
        row["column"]: ColumnChange(
            row["column"],
            row["values"],
            tuple(Example(**example.asDict()) for example in row["examples"]),
        )
        for row in collected
    }
    return tuple(by_column[name] for name in columns if name in by_column)


def _change_lines(changes: Sequence[ColumnChange]) -> Iterator[str]:
    for change in changes:
        yield count_line(f"    {change.column}", change.values)
        yield from (f"      {example}" for example in change.examples)
