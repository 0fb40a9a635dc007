"""Each event once: what the state remembers, and which rows must ask the table instead.

The clock is the batch's own time, never a producer's. A twin of an event that was let through at
clock c is caught until the clock passes c + 2 x window. So a row may trust the state only when
its first delivery cannot be older than that: it is *fresh* when `created_at > clock - window`.
Every other row is *late*, and the sink looks for its identity in the table (docs/guarantees.md).
"""

from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import (
    ATTEMPT,
    CREATED_AT,
    EVENT_UUID,
    INGESTED_AT,
    IS_LATE,
    POSITION,
    PROCESSED_AT,
    REASONS,
)
from transforms.compose import Transform
from transforms.contract import InvalidSettingError, require

IDENTITY_TEXT = "identity_text"
IDENTITY_TIME = "identity_time"


def is_accepted() -> Column:
    """True where no check found a reason against the row."""
    return F.size(REASONS) == 0


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


def with_identity(rows: DataFrame) -> DataFrame:
    """Name what makes a row itself: an event's identity, or a rejected record's position.

    Without the position, all records that lack an identity would be twins of each other.

    Columns in:   reasons: array<string>; event_uuid: string; created_at: timestamp; the position
    Columns out:  + identity_text: string, + identity_time: timestamp (null for rejected records)
    Rows:         one out for each in
    """
    require(rows, REASONS, EVENT_UUID, CREATED_AT, *POSITION, owner="with_identity")
    position = F.concat_ws("/", *POSITION)
    return rows.withColumns(
        {
            IDENTITY_TEXT: F.when(is_accepted(), F.col(EVENT_UUID)).otherwise(position),
            IDENTITY_TIME: F.when(is_accepted(), F.col(CREATED_AT)),
        }
    )


def once_within(window: timedelta) -> Transform:
    """Drop every row whose identity was let through within `window` of the clock.

    Columns in:   processed_at: timestamp; identity_text: string; identity_time: timestamp
    Columns out:  the same
    Rows:         the first of each identity
    State:        key (identity_text, identity_time), watermark on processed_at; a key is kept for
                  at least `window` after it was let through, and forgotten by two windows after

    Raises:
        InvalidSettingError: at once, unless `window` is longer than nothing.
    """
    if window <= timedelta(0):
        raise InvalidSettingError("once_within", "a window longer than nothing", window)

    def apply(rows: DataFrame) -> DataFrame:
        require(rows, PROCESSED_AT, IDENTITY_TEXT, IDENTITY_TIME, owner="once_within")
        seconds = f"{window // timedelta(seconds=1)} seconds"
        return rows.withWatermark(PROCESSED_AT, seconds).dropDuplicatesWithinWatermark(
            [IDENTITY_TEXT, IDENTITY_TIME]
        )

    return apply


def with_lateness(window: timedelta, max_future: timedelta, covered_since: datetime) -> Transform:
    """Mark the rows that the state alone cannot answer for.

    A row is late when a twin of it may have been let through before what the state remembers:
    its `created_at` is older than the window, or the state itself is too young for it. A rejected
    record has no trustworthy `created_at`; the time of its ingestion takes its place.

    Columns in:   reasons: array<string>; created_at, ingested_at, processed_at: timestamp
    Columns out:  + is_late: boolean
    Rows:         one out for each in

    Args:
        window: as in `once_within`.
        max_future: how far a producer's clock may be ahead of the record's arrival.
        covered_since: the clock at which the state began to remember.
    """

    def apply(rows: DataFrame) -> DataFrame:
        require(
            rows, REASONS, CREATED_AT, INGESTED_AT, ATTEMPT, PROCESSED_AT, owner="with_lateness"
        )
        older_than_window = F.col(CREATED_AT) <= F.col(PROCESSED_AT) - F.expr(
            f"interval {window // timedelta(seconds=1)} seconds"
        )
        state_was_young = F.lit(covered_since + max_future)
        event_is_late = older_than_window | (F.col(CREATED_AT) <= state_was_young)
        record_is_late = F.col(INGESTED_AT) <= state_was_young
        return rows.withColumn(
            IS_LATE, F.when(is_accepted(), event_is_late).otherwise(record_is_late)
        )

    return apply
