"""Leave out the events whose identity the events table already contains."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from heapq import nlargest
from itertools import pairwise
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.dataframes import broadcast_if_small
from jobs.lake import Table, pinned
from jobs.sinks.batch import Batch, BatchStep, LookupRange, cut_from_plan
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME, IDENTITY, NEEDS_LOOKUP
from transforms.deduplication import is_accepted

MAX_RANGES = 8


def without_stored_duplicates(events: Table) -> BatchStep:
    """Leave out the events that need a lookup and that `events` contains. The last such step.

    The summary is adjusted, not computed again: the step after this one only needs the counts.
    """

    def step(batch: Batch) -> Batch:
        summary = batch.summary
        if not summary.lookups:
            return batch
        duplicates = stored_duplicates(batch.rows.where(is_accepted()), events, summary.lookups)
        if duplicates is None:
            return batch
        known, found = cut_from_plan(duplicates)
        if not found:
            return batch
        return replace(
            batch,
            rows=_without_events(batch.rows, known),
            summary=replace(summary, accepted=summary.accepted - found),
            duplicates=batch.duplicates + found,
        )

    return step


def stored_duplicates(
    accepted: DataFrame, events: Table, lookups: Sequence[LookupRange]
) -> DataFrame | None:
    """The identities of the events of a batch that need a lookup and that the table contains.

    All duplicates share `created_at`, so only the dates and files whose statistics cover these
    times are read. A duplicate may have another name, so names do not narrow the search. In those
    files `created_at` is read first: few events share it by chance, and `event_uuid`, which is four
    times as long, is only read in the partitions where one does.

    Columns in:   event_uuid: string; created_at: timestamp (UTC); needs_lookup: boolean
    Columns out:  event_uuid, created_at
    Rows:         one for each event that `events` contains; None if no time is shared
    """
    count = sum(each.rows for each in lookups)
    identities = broadcast_if_small(accepted.where(NEEDS_LOOKUP).select(*IDENTITY), count)
    # Both reads must see the same version: `rebuild` may move a row between partitions.
    stored, _ = pinned(accepted.sparkSession, events)
    stored = stored.where(_within(lookups))
    # Spark joins numbers faster than timestamps.
    micros = F.unix_micros(CREATED_AT)
    times = identities.select(micros.alias("_micros"))
    same_time = stored.join(times, on=micros == F.col("_micros"), how="left_semi")
    partition = F.concat_ws("/", EVENT_NAME, EVENT_DATE)
    partitions = [row[0] for row in same_time.select(partition).distinct().collect()]
    if not partitions:
        return None
    candidates = same_time.where(partition.isin(partitions)).select(*IDENTITY)
    # Distinct: if a damaged table has an identity twice, the rows must still be counted right.
    return candidates.join(identities, on=list(IDENTITY), how="left_semi").distinct()


def _without_events(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Leave out the events of these identities. Rejected rows stay, whatever their identity."""
    stored = known.select(*(F.col(name).alias(f"_stored_{name}") for name in IDENTITY))
    same = [F.col(name) == F.col(f"_stored_{name}") for name in IDENTITY]
    return rows.join(stored, on=[is_accepted(), *same], how="left_anti")


def _within(lookups: Sequence[LookupRange]) -> Column:
    """Literal predicates: dates prune partitions, ranges of created_at prune files."""
    dates = F.col(EVENT_DATE).isin([each.event_date for each in lookups])
    times = (between_micros(CREATED_AT, first, last) for first, last in few_ranges(lookups))
    return dates & reduce(or_, times)


def few_ranges(lookups: Sequence[LookupRange]) -> list[tuple[int, int]]:
    """At most `MAX_RANGES` time ranges that cover all `lookups`: each row is compared with each.

    Dates are merged where the time between their events is shortest.
    """
    ordered = sorted(lookups, key=lambda each: each.first)
    gaps = ((after.first - before.last, at) for at, (before, after) in enumerate(pairwise(ordered)))
    cuts = sorted(at + 1 for _, at in nlargest(MAX_RANGES - 1, gaps))
    merged = (ordered[start:end] for start, end in pairwise((0, *cuts, len(ordered))))
    return [(dates[0].first, dates[-1].last) for dates in merged]


def between_micros(time: str, first: int, last: int) -> Column:
    """A literal range of a timestamp column: files outside of it are not read."""
    return F.col(time).between(*(F.timestamp_micros(F.lit(each)) for each in (first, last)))
