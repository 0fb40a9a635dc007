"""Each event once: what the state remembers, and which events must be looked up in the table.

The clock is the time of the batch, never a producer's. The state finds a duplicate of an event that
passed at clock c until the clock passes c + 2 x window. An event is *fresh* if it cannot have
passed earlier than that: `created_at > clock - window`. The state alone decides about fresh events.
Every other event *needs a lookup*: the sink searches its identity in the table
(docs/guarantees.md).

The state also contains identities that never reached the table: those of events that the cap on
event names rejected after the state, or that an earlier checkpoint rejected. A replayed event that
needs a lookup must not be dropped as a duplicate of these, because it may be the same record. It
passes the state by its position, and only the table decides about it.
"""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import (
    ATTEMPT,
    CREATED_AT,
    IDENTITY,
    INGESTED_AT,
    MAY_BE_PROCESSED,
    NEEDS_LOOKUP,
    POSITION,
    PROCESSED_AT,
    REASONS,
)
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require
from transforms.unpacking import position_text

OWN_POSITION = "own_position"


def is_accepted() -> Column:
    """True if no check found a reason against the row."""
    return F.size(REASONS) == 0


def is_replayed() -> Column:
    """True for a replayed event that needs a lookup: the state must not decide about it."""
    return F.col(NEEDS_LOOKUP) & (F.col(ATTEMPT) > 0)


def with_clock(not_before: datetime) -> Transform:
    """Add the clock of the batch.

    Columns out:  + processed_at: timestamp (UTC), Spark's time of the micro-batch, the same when
                  the batch is replayed; never before `not_before`
    Rows:         one out for each in
    """

    def apply(records: DataFrame) -> DataFrame:
        clock = F.greatest(F.current_timestamp(), F.lit(not_before))
        return records.withColumn(PROCESSED_AT, clock)

    return apply


def with_lookup_need(
    window: timedelta, max_future: timedelta, covered_since: datetime
) -> Transform:
    """Flag the rows that the state alone cannot decide about.

    An event needs a lookup if a duplicate of it may have passed before the state began to remember:
    its `created_at` is older than the window, or the state itself is younger. Clocks may differ by
    half a window.

    Columns in:   reasons: array<string>; created_at, ingested_at, processed_at: timestamp (UTC)
    Columns out:  + needs_lookup: boolean, an event whose identity may be in the table;
                  + may_be_processed: boolean, a record that was ingested before the state began to
                  remember, so an earlier checkpoint may have stored or quarantined it
    Rows:         one out for each in

    Args:
        window: as in `without_recent_duplicates`.
        max_future: how far a producer's clock may be ahead of the record's arrival.
        covered_since: the clock at which the state began to remember.

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    skew = window / 2

    def apply(rows: DataFrame) -> DataFrame:
        require(rows, REASONS, CREATED_AT, INGESTED_AT, PROCESSED_AT, owner="with_lookup_need")
        older_than_window = F.col(CREATED_AT) <= F.col(PROCESSED_AT) - F.expr(
            f"interval {window // timedelta(seconds=1)} seconds"
        )
        state_was_young = F.col(CREATED_AT) <= F.lit(covered_since + max_future + skew)
        return rows.withColumns(
            {
                NEEDS_LOOKUP: is_accepted() & (older_than_window | state_was_young),
                MAY_BE_PROCESSED: F.col(INGESTED_AT) <= F.lit(covered_since + skew),
            }
        )

    return apply


def with_own_position(rows: DataFrame) -> DataFrame:
    """Make the position a part of the key of rows that the state must not compare by identity.

    An event is identified by its identity alone. Without their position, all records that lack an
    identity would be duplicates of each other, and a replayed event would be a duplicate of its own
    first attempt.

    Columns in:   reasons: array<string>; needs_lookup: boolean; the position
    Columns out:  + own_position: string, null for an event, unless it was replayed and needs a
                  lookup
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(rows, REASONS, NEEDS_LOOKUP, *POSITION, owner="with_own_position")
    stands_alone = ~is_accepted() | is_replayed()
    return rows.withColumn(OWN_POSITION, F.when(stands_alone, position_text()))


def without_recent_duplicates(window: timedelta) -> Transform:
    """Drop every row whose key passed within `window` of the clock.

    Columns in:   processed_at: timestamp (UTC); event_uuid: string; created_at: timestamp (UTC);
                  own_position: string
    Columns out:  all but own_position
    Rows:         the first of each event_uuid, created_at and own_position
    State:        key as above, watermark on processed_at; a key is kept for at least `window`
                  after it passed, and is forgotten two windows after

    Raises:
        InvalidSettingError: at once, unless `window` is greater than zero.
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    owner = "without_recent_duplicates"
    if window <= timedelta(0):
        raise InvalidSettingError(f"{owner}(window)", "a window greater than zero", window)
    key = [*IDENTITY, OWN_POSITION]

    def apply(rows: DataFrame) -> DataFrame:
        require(rows, PROCESSED_AT, *key, owner=owner)
        seconds = f"{window // timedelta(seconds=1)} seconds"
        clocked = rows.withWatermark(PROCESSED_AT, seconds)
        return clocked.dropDuplicatesWithinWatermark(key).drop(OWN_POSITION)

    return apply
