"""What `audit` looks for in whole tables: twins, events that share an identity, what is taken."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.audit.reconciliation import identity_hash
from jobs.audit.reference_parser import utc_date
from jobs.audit.snapshot import Snapshot
from jobs.dataframes.hash_joins import among, held, sought
from transforms.columns import ATTEMPT, CREATED_AT, EVENT_DATE, IDENTITY, POSITION, REASONS

# Reasons of those that are, or were, sound events: their twins were left out for them.
_HOLDING = ("too_many_event_names", "withdrawn")

_EVERY_ATTEMPT = 2**31 - 1


def due(unaccounted: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Those of the unaccounted records that `process` has taken."""
    if snapshot.taken is None:
        return unaccounted
    return held(unaccounted, snapshot.taken(), POSITION)


def twins(due: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Those of the records whose identity is stored, was refused for its name alone, or withdrawn.

    None of the records is itself in events or quarantine, so it is another one that holds it. A
    refusal of an earlier attempt does not: a record that is replayed must find a place anew.
    """
    refused = F.arrays_overlap(REASONS, F.array(*map(F.lit, _HOLDING)))
    stored = snapshot.whole.events.where(_on_dates_of(due))
    refusals = snapshot.whole.quarantine.where(refused)
    holders = stored.select(*IDENTITY, F.lit(_EVERY_ATTEMPT).alias("up_to")).unionAll(
        refusals.select(*IDENTITY, F.col(ATTEMPT).alias("up_to"))
    )
    newest = sought(holders, due, IDENTITY).groupBy(*IDENTITY).agg(F.max("up_to").alias("up_to"))
    return due.join(newest, on=list(IDENTITY), how="inner").where(F.col(ATTEMPT) <= F.col("up_to"))


def surplus(snapshot: Snapshot, events: DataFrame, shared: DataFrame) -> DataFrame:
    """The events that share their identity with another one, at least one of them in range.

    Columns in:   shared: identity_hash: bigint, the hashes of such identities, and of others
    Columns out:  the position, event_uuid, created_at
    Rows:         one for each event but the first of its identity

    Args:
        events: those that are `comparable`.
    """
    suspects = among(events, identity_hash(), shared).select(*POSITION, *IDENTITY)
    nth = F.row_number().over(Window.partitionBy(*IDENTITY).orderBy(*POSITION))
    in_range = held(suspects, snapshot.within.events, IDENTITY)
    return in_range.withColumn("nth", nth).where(F.col("nth") > 1)


def comparable(snapshot: Snapshot) -> DataFrame:
    """The events that may share an identity with one in range: those of the same dates."""
    events = snapshot.whole.events
    if snapshot.is_whole:
        return events
    dates = snapshot.within.events.select(EVENT_DATE).distinct().collect()
    return events.where(F.col(EVENT_DATE).isin([row[0] for row in dates]))


def _on_dates_of(rows: DataFrame) -> Column:
    """A literal predicate, so that only partitions of the rows' dates are read."""
    first, last = rows.agg(*(utc_date(each(CREATED_AT)) for each in (F.min, F.max))).collect()[0]
    if first is None:
        return F.lit(False)
    return F.col(EVENT_DATE).between(F.lit(first), F.lit(last))
