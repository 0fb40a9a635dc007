"""What is wrong with positions that hashes alone do not clear."""

from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audit.reconciliation import (
    IN_EVENTS,
    IN_QUARANTINE,
    IN_RAW,
    TABLE,
    TABLES,
    Frames,
    counts,
    with_members,
)
from jobs.audit.reference_parser import members, read_event, utc_date
from transforms.columns import (
    CREATED_AT,
    DATA,
    EVENT_DATE,
    IDENTITY,
    PAYLOAD,
    POSITION,
)

KINDS = "kinds"

_BYTES = "bytes_hash"
_MISFILED = "is_misfiled"


def by_position(frames: Frames) -> DataFrame:
    """Count each position exactly, and name what is wrong with it.

    Columns out:  the position; in_raw, in_events, in_quarantine: bigint; event_uuid: string and
                  created_at: timestamp, as raw's bytes say or, without raw, as the row says;
                  kinds: array<string>, the breaches that the counts alone show
    Rows:         one for each position
    """
    entries = (
        _record_entry(with_members(frames.raw), IN_RAW),
        _event_entry(frames.events),
        _record_entry(frames.quarantine, IN_QUARANTINE),
    )
    identity = F.struct(*IDENTITY)
    in_bytes = F.max(F.when(F.col(TABLE) == TABLES[IN_RAW], identity))
    return (
        reduce(DataFrame.unionAll, entries)
        .groupBy(*POSITION)
        .agg(
            *counts(),
            (F.min(_BYTES) != F.max(_BYTES)).alias("is_changed"),
            F.bool_or(_MISFILED).alias(_MISFILED),
            F.coalesce(in_bytes, F.max(identity)).alias("identity"),
        )
        .select(*POSITION, *TABLES, "identity.*", _kinds().alias(KINDS))
    )


def _event_entry(events: DataFrame) -> DataFrame:
    """The columns of an event must say what its own payload says, and that must be all of it."""
    event, data = "read_event", F.col(PAYLOAD).cast("binary")
    said = members(F.col(event), data)
    told = said | {EVENT_DATE: utc_date(said[CREATED_AT])}
    # Null where either side is null: nothing of an event may be.
    is_filed = reduce(and_, (F.col(name) == value for name, value in told.items()))
    return _entry(
        events.withColumn(event, read_event(data)),
        IN_EVENTS,
        data,
        is_misfiled=~F.coalesce(is_filed, F.lit(False)),
    )


def _record_entry(records: DataFrame, table: str) -> DataFrame:
    return _entry(records, table, F.col(DATA), is_misfiled=F.lit(False))


def _entry(rows: DataFrame, table: str, data: Column, is_misfiled: Column) -> DataFrame:
    return rows.select(
        F.lit(TABLES[table]).alias(TABLE),
        F.xxhash64(data).alias(_BYTES),
        is_misfiled.alias(_MISFILED),
        *POSITION,
        *IDENTITY,
    )


def _kinds() -> Column:
    """The names in `audit_report.BREACHES` of what the counts show."""
    in_raw, in_events, in_quarantine = (F.col(n) for n in (IN_RAW, IN_EVENTS, IN_QUARANTINE))
    kinds = {
        "read_twice": in_raw > 1,
        "stored_twice": in_events > 1,
        "quarantined_twice": in_quarantine > 1,
        "stored_and_quarantined": (in_events > 0) & (in_quarantine > 0),
        "invented_event": (in_raw == 0) & (in_events > 0),
        "invented_rejection": (in_raw == 0) & (in_quarantine > 0),
        "changed": (in_raw > 0) & F.col("is_changed"),
        "misfiled": F.col(_MISFILED),
    }
    found = (F.when(is_so, F.lit(kind)) for kind, is_so in kinds.items())
    return F.array_compact(F.array(*found))
