"""What a rebuild changes, for people and for programs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

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
from jobs.reporting.reasons import count_reasons, line, reason_lines
from transforms.columns import IDENTITY, POSITION

_MAX_CHARS = 60


@dataclass(frozen=True)
class Example:
    """One value that changes, and where its record came from."""

    position: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """`"quiz" -> "quiz:started"  shardId-000000000000/4959…/0/0`"""
        old, new = (json.dumps(value, ensure_ascii=False) for value in (self.old, self.new))
        return f"{old} -> {new}  {self.position}"


@dataclass(frozen=True)
class ColumnChange:
    """How many values of a column change, with the first and the last by position."""

    column: str
    values: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What today's rules say of the events in some partitions.

    version:     of the events table that was looked at
    partitions:  that were looked at
    rows:        events in them
    changed:     events of which a column changes
    columns:     the columns that change
    new_columns: columns that the table does not have yet
    rejected:    events that go to quarantine
    reasons:     why; an event counts under each reason that it has
    replaced:    rejected events whose place another record of the same event takes
    not_in_raw:  events whose record raw does not have any more; they stay as they are
    identities:  columns of the identity that would change: there is no rebuild if there are any
    """

    first: date
    last: date
    names: tuple[str, ...]
    version: int
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
        """True where the partitions say already what today's rules say."""
        return not self.changed and not self.rejected

    def to_json(self) -> str:
        """One JSON object; dates are ISO 8601."""
        return json.dumps(asdict(self), indent=2, default=str, ensure_ascii=False)

    def lines(self) -> Iterator[str]:
        """A short table."""
        names = f" of {', '.join(self.names)}" if self.names else ""
        yield f"events{names} from {self.first} to {self.last}, version {self.version} of the table"
        yield line("partitions", self.partitions)
        yield line("events", self.rows)
        yield line("  changed", self.changed)
        yield from _columns(self.columns)
        yield line("  to quarantine", self.rejected)
        yield from reason_lines(self.reasons)
        if self.replaced:
            yield line("    replaced by a sound twin", self.replaced)
        yield line("  not in raw any more, left as they are", self.not_in_raw)
        if self.new_columns:
            yield f"new columns: {', '.join(self.new_columns)}"
        if self.identities:
            yield "REFUSED: today's rules read another identity"
            yield from _columns(self.identities)


def difference(rows: DataFrame, columns: Sequence[str], looked_at: Difference) -> Difference:
    """`looked_at` with what `rows`, those that differ in `columns` or otherwise, come to."""
    counts = {row[KIND]: row["count"] for row in rows.groupBy(KIND).count().collect()}
    of_kind = {
        kind: rows.where(F.col(KIND) == kind) if counts.get(kind) else None
        for kind in (CHANGED, OF_ANOTHER_IDENTITY)
    }
    return replace(
        looked_at,
        changed=counts.get(CHANGED, 0),
        columns=_changes(of_kind[CHANGED], recomputed_columns(columns)),
        rejected=counts.get(REJECTED, 0),
        reasons=count_reasons(rows.where(F.col(KIND) == REJECTED)),
        not_in_raw=counts.get(NOT_IN_RAW, 0),
        identities=_changes(of_kind[OF_ANOTHER_IDENTITY], IDENTITY),
    )


def _changes(rows: DataFrame | None, columns: Sequence[str]) -> tuple[ColumnChange, ...]:
    """One for each of `columns` that differs in `rows`, in their order."""
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
    position = F.concat_ws("/", *POSITION).alias("position")
    example = F.struct("position", "change.old", "change.new")
    found = (
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
        for row in found
    }
    return tuple(by_column[name] for name in columns if name in by_column)


def _columns(changes: Sequence[ColumnChange]) -> Iterator[str]:
    for change in changes:
        yield line(f"    {change.column}", change.values)
        yield from (f"      {example}" for example in change.examples)
