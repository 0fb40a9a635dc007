"""Each event once: what the state remembers, and which rows must ask the table instead.

The clock is the batch's own time, never a producer's. A twin of an event that was let through at
clock c is caught until the clock passes c + 2 x window. So a row may trust the state only when
its first delivery cannot be older than that: it is *fresh* when `created_at > clock - window`.
Every other row is *late*, and the sink looks for its identity in the table (docs/guarantees.md).

The state also knows identities that never came into the table: of events that were refused behind
it, or that an earlier checkpoint had rejected. A late row that was replayed must not be taken for
a twin of those, of which it may be the record itself: it passes the state by its position, and the
table alone answers for it.
"""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import (
    ATTEMPT,
    CREATED_AT,
    IDENTITY,
    INGESTED_AT,
    IS_LATE,
    MAY_BE_TAKEN,
    POSITION,
    PROCESSED_AT,
    REASONS,
)
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require

OWN_POSITION = "own_position"


def is_accepted() -> Column:
    """True where no check found a reason against the row."""
    return F.size(REASONS) == 0


def is_replayed() -> Column:
    """True for an event of which the state says nothing: the table must, and its batch."""
    return F.col(IS_LATE) & (F.col(ATTEMPT) > 0)


def with_clock(not_before: datetime) -> Transform:
    """Stamp every row with the clock that `once_within` and `with_lateness` go by.

    Columns out:  + processed_at: timestamp (UTC), the micro-batch's own time, the same when the
                  batch is replayed; never before `not_before`
    Rows:         one out for each in
    """

    def apply(records: DataFrame) -> DataFrame:
        clock = F.greatest(F.current_timestamp(), F.lit(not_before))
        return records.withColumn(PROCESSED_AT, clock)

    return apply


def with_own_position(rows: DataFrame) -> DataFrame:
    """Make the position of a record a part of what it is, where the state must not judge it.

    An event is itself by its identity. Without their position, all records that lack an identity
    would be twins of each other, and a late replayed one that of its own first attempt.

    Columns in:   reasons: array<string>; is_late: boolean; the position
    Columns out:  + own_position: string, null for an event, unless it is late and was replayed
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(rows, REASONS, IS_LATE, *POSITION, owner="with_own_position")
    stands_alone = ~is_accepted() | is_replayed()
    return rows.withColumn(OWN_POSITION, F.when(stands_alone, F.concat_ws("/", *POSITION)))


def once_within(window: timedelta) -> Transform:
    """Drop every row whose identity was let through within `window` of the clock.

    Columns in:   processed_at: timestamp; event_uuid: string; created_at: timestamp;
                  own_position: string
    Columns out:  all but own_position
    Rows:         the first of each event_uuid, created_at and own_position
    State:        key as above, watermark on processed_at; a key is kept for at least `window`
                  after it was let through, and forgotten by two windows after

    Raises:
        InvalidSettingError: at once, unless `window` is longer than nothing.
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    if window <= timedelta(0):
        raise InvalidSettingError("once_within", "a window longer than nothing", window)
    key = [*IDENTITY, OWN_POSITION]

    def apply(rows: DataFrame) -> DataFrame:
        require(rows, PROCESSED_AT, *key, owner="once_within")
        seconds = f"{window // timedelta(seconds=1)} seconds"
        clocked = rows.withWatermark(PROCESSED_AT, seconds)
        return clocked.dropDuplicatesWithinWatermark(key).drop(OWN_POSITION)

    return apply


def with_lateness(window: timedelta, max_future: timedelta, covered_since: datetime) -> Transform:
    """Mark the rows that the state alone cannot answer for.

    An event is late when a twin of it may have been let through before what the state remembers:
    its `created_at` is older than the window, or the state itself is too young for it. Clocks may
    differ by half a window.

    Columns in:   reasons: array<string>; created_at, ingested_at, processed_at: timestamp
    Columns out:  + is_late: boolean, an event whose identity may be stored already;
                  + may_be_taken: boolean, a record that was ingested before the state began to
                  remember: an earlier checkpoint may have stored it, as event or as rejected
    Rows:         one out for each in

    Args:
        window: as in `once_within`.
        max_future: how far a producer's clock may be ahead of the record's arrival.
        covered_since: the clock at which the state began to remember.

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    skew = window / 2

    def apply(rows: DataFrame) -> DataFrame:
        require(rows, REASONS, CREATED_AT, INGESTED_AT, PROCESSED_AT, owner="with_lateness")
        older_than_window = F.col(CREATED_AT) <= F.col(PROCESSED_AT) - F.expr(
            f"interval {window // timedelta(seconds=1)} seconds"
        )
        state_was_young = F.col(CREATED_AT) <= F.lit(covered_since + max_future + skew)
        return rows.withColumns(
            {
                IS_LATE: is_accepted() & (older_than_window | state_was_young),
                MAY_BE_TAKEN: F.col(INGESTED_AT) <= F.lit(covered_since + skew),
            }
        )

    return apply
