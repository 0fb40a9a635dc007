"""What `audit` looks for in whole tables: twins, events that share an identity, what is taken."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.audit_identity import utc_date
from jobs.audit_snapshot import Snapshot
from transforms.columns import ATTEMPT, CREATED_AT, EVENT_DATE, IDENTITY, POSITION, REASONS

# Reasons of those that are, or were, sound events: their twins were left out for them.
_HOLDING = ("too_many_event_names", "withdrawn")

# Up to here, what is looked for is sent to every executor, and the tables are not shuffled.
_BROADCAST_ROWS = 2_000_000

_EVERY_ATTEMPT = 2**31 - 1


def due(unaccounted: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Those of the unaccounted records that `process` has taken."""
    if snapshot.taken is None:
        return unaccounted
    return _held(unaccounted, snapshot.taken(), POSITION)


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
    held = holders.join(small(due.select(*IDENTITY)), on=list(IDENTITY), how="left_semi")
    newest = held.groupBy(*IDENTITY).agg(F.max("up_to").alias("up_to"))
    return due.join(newest, on=list(IDENTITY), how="inner").where(F.col(ATTEMPT) <= F.col("up_to"))


@contextmanager
def surplus(snapshot: Snapshot, partitions: int) -> Iterator[DataFrame]:
    """The events that share their identity with another one, at least one of them in range.

    Twins share created_at, so only the dates that the events in range have are searched.

    Columns out:  the position, event_uuid, created_at
    Rows:         one for each event but the first of its identity
    """
    dates = [row[0] for row in snapshot.within.events.select(EVENT_DATE).distinct().collect()]
    events = snapshot.whole.events.where(F.col(EVENT_DATE).isin(dates))
    hashed = events.select(F.xxhash64(*IDENTITY).alias("identity_hash"))
    grouped = hashed.repartition(partitions, "identity_hash").groupBy("identity_hash").count()
    nth = F.row_number().over(Window.partitionBy(*IDENTITY).orderBy(*POSITION))
    with kept(grouped.where(F.col("count") > 1).select("identity_hash")) as shared:
        suspects = events.join(
            small(shared), on=F.xxhash64(*IDENTITY) == shared["identity_hash"], how="left_semi"
        ).select(*POSITION, *IDENTITY)
        in_range = _held(suspects, snapshot.within.events, IDENTITY)
        with kept(in_range.withColumn("nth", nth).where(F.col("nth") > 1)) as surplus:
            yield surplus


def _held(rows: DataFrame, table: DataFrame, key: Sequence[str]) -> DataFrame:
    """Those of `rows` whose `key` the table has. Nulls are equal to nothing."""
    wanted = rows.select(*key)
    held = table.select(*key).join(small(wanted), on=list(key), how="left_semi")
    return rows.join(held, on=list(key), how="left_semi")


def small(rows: DataFrame) -> DataFrame:
    """Send `rows` to every executor, rather than shuffle what they are joined with, if they fit."""
    return F.broadcast(rows) if rows.count() <= _BROADCAST_ROWS else rows


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Compute `rows` once, for all that is asked about them within."""
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield rows
    finally:
        rows.unpersist()


def _on_dates_of(rows: DataFrame) -> Column:
    """A literal predicate, so that only partitions of the rows' dates are read."""
    first, last = rows.agg(*(utc_date(each(CREATED_AT)) for each in (F.min, F.max))).collect()[0]
    if first is None:
        return F.lit(False)
    return F.col(EVENT_DATE).between(F.lit(first), F.lit(last))
