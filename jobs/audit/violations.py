"""Compare the suspects row by row, and name what is wrong with each position."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audit.derived import IS_MISDERIVED, with_derivation
from jobs.audit.reconciliation import (
    IN_EVENTS,
    IN_QUARANTINE,
    IN_RAW,
    TABLE,
    TABLES,
    Frames,
    counts_by_table,
    with_members,
)
from jobs.audit.reference_parser import ReferenceParser, event_text, utc_date
from transforms.columns import (
    CREATED_AT,
    DATA,
    EVENT_DATE,
    IDENTITY,
    PAYLOAD,
    POSITION,
)
from transforms.enrichment import Field

KINDS = "kinds"

_BYTES = "bytes_hash"
_CHANGED = "is_changed"
_MISFILED = "is_misfiled"


def count_by_position(frames: Frames, fields: Sequence[Field]) -> DataFrame:
    """Count the rows of each position, and name its violations.

    Columns out:  the position; in_raw, in_events, in_quarantine: bigint, the number of rows;
                  event_uuid: string and created_at: timestamp (UTC), as in raw's bytes or, if the
                  position is not in raw, as in the row;
                  kinds: array<string>, the violations that concern this position alone
    Rows:         one for each position

    Args:
        fields: the promoted columns to compare.
    """
    entries = (
        _record_entry(with_members(frames.raw, frames.parser), IN_RAW),
        _event_entry(with_derivation(frames.events, fields), frames.parser),
        _record_entry(frames.quarantine, IN_QUARANTINE),
    )
    identity = F.struct(*IDENTITY)
    identity_in_raw = F.max(F.when(F.col(TABLE) == TABLES[IN_RAW], identity))
    return (
        reduce(DataFrame.unionAll, entries)
        .groupBy(*POSITION)
        .agg(
            *counts_by_table(),
            (F.min(_BYTES) != F.max(_BYTES)).alias(_CHANGED),
            F.bool_or(_MISFILED).alias(_MISFILED),
            F.bool_or(IS_MISDERIVED).alias(IS_MISDERIVED),
            F.coalesce(identity_in_raw, F.max(identity)).alias("identity"),
        )
        .select(*POSITION, *TABLES, "identity.*", _kinds().alias(KINDS))
    )


def _event_entry(events: DataFrame, parser: ReferenceParser) -> DataFrame:
    """The entry of an event, which is misfiled unless its columns agree with its own payload."""
    event, data = "read_event", F.col(PAYLOAD).cast("binary")
    in_payload = parser.members(F.col(event), data)
    expected = in_payload | {EVENT_DATE: utc_date(in_payload[CREATED_AT])}
    # Null if either side is null, and nothing of an event may be null.
    is_filed = reduce(and_, (F.col(name) == value for name, value in expected.items()))
    return _entry(
        events.withColumn(event, parser.read_event(data)),
        IN_EVENTS,
        data,
        is_misfiled=~F.coalesce(is_filed, F.lit(False)),
        is_misderived=F.col(IS_MISDERIVED),
    )


def _record_entry(records: DataFrame, table: str) -> DataFrame:
    text = event_text(F.col(DATA)).cast("binary")
    return _entry(records, table, text, F.lit(False), F.lit(False))


def _entry(
    rows: DataFrame, table: str, data: Column, is_misfiled: Column, is_misderived: Column
) -> DataFrame:
    return rows.select(
        F.lit(TABLES[table]).alias(TABLE),
        F.xxhash64(data).alias(_BYTES),
        is_misfiled.alias(_MISFILED),
        is_misderived.alias(IS_MISDERIVED),
        *POSITION,
        *IDENTITY,
    )


def _kinds() -> Column:
    """The violations of a position, by their names in `jobs.audit.report.VIOLATIONS`."""
    in_raw, in_events, in_quarantine = (F.col(n) for n in (IN_RAW, IN_EVENTS, IN_QUARANTINE))
    kinds = {
        "read_twice": in_raw > 1,
        "stored_twice": in_events > 1,
        "quarantined_twice": in_quarantine > 1,
        "stored_and_quarantined": (in_events > 0) & (in_quarantine > 0),
        "invented_event": (in_raw == 0) & (in_events > 0),
        "invented_rejection": (in_raw == 0) & (in_quarantine > 0),
        "changed": (in_raw > 0) & F.col(_CHANGED),
        "misfiled": F.col(_MISFILED),
        "misderived": F.col(IS_MISDERIVED),
    }
    violated = (F.when(is_violated, F.lit(kind)) for kind, is_violated in kinds.items())
    return F.array_compact(F.array(*violated))
