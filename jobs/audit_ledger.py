"""Where every position stands: in raw, in events, in quarantine, and with which bytes.

All tables meet in one shuffle of hashes, some 20 bytes a row. Two positions may share a hash, so
a hash only ever clears rows (with the hash of the bytes it is 128 bits that must agree by chance);
whatever is not plainly in order is looked at again by its exact position.
"""

from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audit_held import among
from jobs.audit_identity import members, read_event, utc_date
from transforms.columns import (
    CREATED_AT,
    DATA,
    EVENT_DATE,
    EVENT_UUID,
    PAYLOAD,
    POSITION,
)

IN_RAW = "in_raw"
IN_EVENTS = "in_events"
IN_QUARANTINE = "in_quarantine"
DIFFERENCE = "difference"
KINDS = "kinds"

_KEY = "position_hash"
_TABLE = "table_name"
_BYTES = "bytes_hash"
_MISFILED = "is_misfiled"
_EVENT = "event"
_RAW, _EVENTS, _QUARANTINE = 1, 2, 3


@dataclass(frozen=True)
class Frames:
    """The rows of the three tables that are held against each other."""

    raw: DataFrame
    events: DataFrame
    quarantine: DataFrame

    def only(self, ledger: DataFrame) -> "Frames":
        """The rows whose position's hash is in `ledger`; of what it counts none, none are read."""

        def counted(rows: DataFrame, table: str) -> DataFrame:
            return among(rows, _key(), ledger.where(F.col(table) > 0).select(_KEY))

        return Frames(
            counted(self.raw, IN_RAW),
            counted(self.events, IN_EVENTS),
            counted(self.quarantine, IN_QUARANTINE),
        )


def by_hash(frames: Frames, partitions: int) -> DataFrame:
    """Count each position by its hash.

    Columns out:  position_hash, in_raw, in_events, in_quarantine: bigint;
                  difference: bigint, of two rows 0 if their bytes are the same and well filed
    Rows:         one for each hash of a position
    """
    entries = _entries(frames).select(
        _KEY,
        _TABLE,
        # No row's bytes have both hashes.
        F.when(F.col(_MISFILED), F.bitwise_not(_BYTES)).otherwise(F.col(_BYTES)).alias(_BYTES),
    )
    # Split up before it is grouped: a row of this is half as large as its counters.
    grouped = entries.repartition(partitions, _KEY).groupBy(_KEY)
    return grouped.agg(*_counts(), F.bit_xor(_BYTES).alias(DIFFERENCE))


def is_in_order() -> Column:
    """True where a position is once in raw, and once in one of the other tables, unchanged."""
    places = F.col(IN_EVENTS) + F.col(IN_QUARANTINE)
    return (F.col(IN_RAW) == 1) & (places == 1) & (F.col(DIFFERENCE) == 0)


def by_position(frames: Frames) -> DataFrame:
    """Count each position exactly, and name what is wrong with it.

    Columns out:  the position; in_raw, in_events, in_quarantine: bigint; event_uuid: string and
                  created_at: timestamp, as raw's bytes say or, without raw, as the row says;
                  kinds: array<string>, the breaches that the counts alone show
    Rows:         one for each position
    """
    identity = F.struct(EVENT_UUID, CREATED_AT)
    in_bytes = F.max(F.when(F.col(_TABLE) == _RAW, identity))
    return (
        _entries(frames)
        .groupBy(*POSITION)
        .agg(
            *_counts(),
            (F.min(_BYTES) != F.max(_BYTES)).alias("is_changed"),
            F.bool_or(_MISFILED).alias(_MISFILED),
            F.coalesce(in_bytes, F.max(identity)).alias("identity"),
        )
        .select(
            *POSITION,
            *(IN_RAW, IN_EVENTS, IN_QUARANTINE),
            "identity.*",
            _kinds().alias(KINDS),
        )
    )


def _entries(frames: Frames) -> DataFrame:
    """All tables' rows in one shape. What the caller does not select is not computed."""
    return reduce(
        DataFrame.unionAll,
        (_raw_entries(frames.raw), _event_entries(frames.events), _rejections(frames.quarantine)),
    )


def _raw_entries(raw: DataFrame) -> DataFrame:
    data = F.col(DATA)
    said = members(F.col(_EVENT), data)
    read = raw.withColumn(_EVENT, read_event(data)).withColumns(
        {EVENT_UUID: said[EVENT_UUID], CREATED_AT: said[CREATED_AT]}
    )
    return _entry(read, _RAW, data=data, is_misfiled=F.lit(False))


def _event_entries(events: DataFrame) -> DataFrame:
    # The hash of a text is the hash of its UTF-8 bytes, so it can be held against raw's.
    data = F.col(PAYLOAD).cast("binary")
    said = members(F.col(_EVENT), data) | {EVENT_DATE: utc_date(F.col(CREATED_AT))}
    is_filed = reduce(and_, (F.col(name).eqNullSafe(value) for name, value in said.items()))
    read = events.withColumn(_EVENT, read_event(data))
    return _entry(read, _EVENTS, data=data, is_misfiled=~is_filed)


def _rejections(quarantine: DataFrame) -> DataFrame:
    return _entry(quarantine, _QUARANTINE, data=F.col(DATA), is_misfiled=F.lit(False))


def _entry(rows: DataFrame, table: int, data: Column, is_misfiled: Column) -> DataFrame:
    return rows.select(
        _key().alias(_KEY),
        F.lit(table).alias(_TABLE),
        F.xxhash64(data).alias(_BYTES),
        is_misfiled.alias(_MISFILED),
        *POSITION,
        EVENT_UUID,
        CREATED_AT,
    )


def _key() -> Column:
    return F.xxhash64(*POSITION)


def _counts() -> list[Column]:
    tables = {IN_RAW: _RAW, IN_EVENTS: _EVENTS, IN_QUARANTINE: _QUARANTINE}
    return [F.count_if(F.col(_TABLE) == table).alias(name) for name, table in tables.items()]


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
