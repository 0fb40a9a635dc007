"""Search whole tables: for the event of a duplicate, and for events that share an identity.

A record that is in raw alone is a duplicate, lost, or not processed yet. Its event may be stored on
any date, so the tables are read whole here, cut only by the dates of the events that are searched.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.audit.reconciliation import identity_hash
from jobs.audit.reference_parser import utc_date
from jobs.audit.snapshot import Snapshot
from jobs.dataframes import candidates_by_hash, only_hashes, semi_join_on_hash
from transforms.columns import ATTEMPT, CREATED_AT, EVENT_DATE, IDENTITY, POSITION, REASONS

# A record that is rejected for one of these passed every check when it was processed, so its
# duplicates were left out.
_REASONS_AFTER_DEDUPLICATION = ("too_many_event_names", "unwritable", "withdrawn")

_EVERY_ATTEMPT = 2**31 - 1


def only_processed(unaccounted: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Keep the records that `process` has processed.

    Columns in:   the position
    """
    if snapshot.processed is None:
        return unaccounted
    return semi_join_on_hash(unaccounted, snapshot.processed(), POSITION)


def duplicates_of_stored(unaccounted: DataFrame, snapshot: Snapshot) -> DataFrame:
    """Keep the records whose identity is stored, or was rejected after the deduplication.

    None of the records is in events or quarantine itself, so the identity belongs to another one.
    A rejection does not account for a later attempt: a replayed record must be stored or rejected
    again.

    Columns in:   event_uuid, created_at; attempt: int
    """
    was_deduplicated = F.arrays_overlap(REASONS, F.array(*map(F.lit, _REASONS_AFTER_DEDUPLICATION)))
    stored = snapshot.whole.events.where(_is_on_dates_of(unaccounted))
    rejected = snapshot.whole.quarantine.where(was_deduplicated)
    identities = stored.select(*IDENTITY, F.lit(_EVERY_ATTEMPT).alias("up_to")).unionAll(
        rejected.select(*IDENTITY, F.col(ATTEMPT).alias("up_to"))
    )
    newest = (
        candidates_by_hash(identities, unaccounted, IDENTITY)
        .groupBy(*IDENTITY)
        .agg(F.max("up_to").alias("up_to"))
    )
    joined = unaccounted.join(newest, on=list(IDENTITY), how="inner")
    return joined.where(F.col(ATTEMPT) <= F.col("up_to"))


def repeated_identities(snapshot: Snapshot, events: DataFrame, shared: DataFrame) -> DataFrame:
    """The events whose identity an earlier event has, if one of them is in range.

    Columns in:   `shared`: identity_hash: bigint, the hashes of such identities, and of others
    Columns out:  the position, event_uuid, created_at
    Rows:         one for each event but the first by position of its identity

    Args:
        events: those of `events_of_same_dates`.
    """
    candidates = only_hashes(events, identity_hash(), shared).select(*POSITION, *IDENTITY)
    nth = F.row_number().over(Window.partitionBy(*IDENTITY).orderBy(*POSITION))
    in_range = semi_join_on_hash(candidates, snapshot.in_range.events, IDENTITY)
    return in_range.withColumn("nth", nth).where(F.col("nth") > 1)


def events_of_same_dates(snapshot: Snapshot) -> DataFrame:
    """The events that may share an identity with one in range: those with the same event dates."""
    events = snapshot.whole.events
    if snapshot.has_all_dates:
        return events
    dates = snapshot.in_range.events.select(EVENT_DATE).distinct().collect()
    return events.where(F.col(EVENT_DATE).isin([row[0] for row in dates]))


def _is_on_dates_of(rows: DataFrame) -> Column:
    """A literal predicate: only the partitions with the dates of `rows` are read."""
    first, last = rows.agg(*(utc_date(each(CREATED_AT)) for each in (F.min, F.max))).collect()[0]
    if first is None:
        return F.lit(False)
    return F.col(EVENT_DATE).between(F.lit(first), F.lit(last))
