"""A batch on its way through the sink, and the steps that it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from transforms.columns import (
    CREATED_AT,
    EVENT_DATE,
    EVENT_NAME,
    INGESTED_AT,
    IS_LATE,
    MAY_BE_PROCESSED,
    NEEDS_LOOKUP,
)
from transforms.deduplication import is_accepted, is_replayed


@dataclass(frozen=True)
class LookupRange:
    """The events of one date that need a lookup: their first and last `created_at`, inclusive, in
    microseconds since 1970."""

    event_date: date
    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class Summary:
    """What the rows of a batch are.

    accepted, rejected: rows without and with reasons
    late:               accepted rows with is_late
    lookups:            accepted rows that need a lookup, by date
    names:              event names of the accepted rows
    replayed:           rows for which `is_replayed` is true
    may_be_processed:   rows with may_be_processed; `first_ingested` and `last_ingested` are the
                        bounds of their `ingested_at`, in microseconds since 1970
    """

    accepted: int
    rejected: int
    late: int
    lookups: tuple[LookupRange, ...]
    names: frozenset[str]
    replayed: int
    may_be_processed: int
    first_ingested: int
    last_ingested: int


@dataclass(frozen=True)
class Batch:
    """The rows of a batch of `process` after the state.

    duplicates: rows that the steps so far have left out, because a table has them or another row
                of the batch takes their place
    """

    number: int
    rows: DataFrame
    summary: Summary
    duplicates: int = 0

    @staticmethod
    def of(number: int, rows: DataFrame) -> "Batch":
        """Summarize `rows`, which runs a Spark job over them."""
        return Batch(number, rows, summarize(rows))

    def with_rows(self, rows: DataFrame) -> "Batch":
        """The same batch with other rows, summarized again."""
        return replace(self, rows=rows, summary=summarize(rows))

    def without(self, duplicates: DataFrame, keys: Sequence[str]) -> "Batch":
        """Leave out the rows whose `keys` are in `duplicates`, each of which is one row."""
        known, found = cut_from_plan(duplicates)
        if not found:
            return self
        left = self.with_rows(self.rows.join(known, on=list(keys), how="left_anti"))
        return replace(left, duplicates=self.duplicates + found)


BatchStep = Callable[[Batch], Batch]


def cut_from_plan(found: DataFrame) -> tuple[DataFrame, int]:
    """Compute `found` now, and return it without its plan, with its number of rows.

    Joined with its plan, Spark would not recognize the materialized rows of the batch in it, and
    would run the state store a second time. Most batches find nothing, and need no join then.
    """
    known = found.localCheckpoint()
    return known, known.count()


def summarize(rows: DataFrame) -> Summary:
    """Count what the later steps need to know, in one pass.

    Times are microseconds: Python's datetime covers fewer years than records may contain, and Spark
    returns local times, of which one hour a year is ambiguous.
    """
    needs_lookup = is_accepted() & F.col(NEEDS_LOOKUP)
    lookup_date, lookup_time = (
        F.when(needs_lookup, time) for time in (F.col(EVENT_DATE), F.unix_micros(CREATED_AT))
    )
    may_be_processed = F.col(MAY_BE_PROCESSED)
    ingested = F.when(may_be_processed, F.unix_micros(INGESTED_AT))
    groups = (
        rows.groupBy(
            is_accepted().alias("accepted"), needs_lookup.alias("lookup"), lookup_date.alias("date")
        )
        .agg(
            F.count(F.lit(1)).alias("rows"),
            F.count_if(is_accepted() & F.col(IS_LATE)).alias("late"),
            F.min(lookup_time).alias("first"),
            F.max(lookup_time).alias("last"),
            F.collect_set(F.when(is_accepted(), F.col(EVENT_NAME))).alias("names"),
            F.count_if(is_replayed()).alias("replayed"),
            F.count_if(may_be_processed).alias("may_be_processed"),
            F.min(ingested).alias("first_ingested"),
            F.max(ingested).alias("last_ingested"),
        )
        .collect()
    )
    processed = [group for group in groups if group["may_be_processed"]]
    return Summary(
        accepted=sum(group["rows"] for group in groups if group["accepted"]),
        rejected=sum(group["rows"] for group in groups if not group["accepted"]),
        late=sum(group["late"] for group in groups),
        lookups=tuple(_lookup_range(group) for group in groups if group["lookup"]),
        names=frozenset(name for group in groups for name in group["names"]),
        replayed=sum(group["replayed"] for group in groups),
        may_be_processed=sum(group["may_be_processed"] for group in processed),
        first_ingested=min((group["first_ingested"] for group in processed), default=0),
        last_ingested=max((group["last_ingested"] for group in processed), default=0),
    )


def _lookup_range(group: Row) -> LookupRange:
    return LookupRange(group["date"], group["first"], group["last"], group["rows"])
