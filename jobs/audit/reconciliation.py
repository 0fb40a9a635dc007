"""Where every position stands: in raw, in events, in quarantine, and with which bytes.

All tables meet in one shuffle of hashes, some 30 bytes a row. Two positions may share a hash, so
a hash only ever clears rows (with those of the bytes and the identity it is 192 bits that must
agree by chance); whatever is not plainly in order is looked at again (`jobs.audit.violations`).
"""

from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audit.reference_parser import members, read_event, utc_date
from jobs.dataframes.hash_joins import among
from transforms.columns import (
    CREATED_AT,
    DATA,
    EVENT_DATE,
    EVENT_NAME,
    IDENTITY,
    PAYLOAD,
    POSITION,
)

IN_RAW = "in_raw"
IN_EVENTS = "in_events"
IN_QUARANTINE = "in_quarantine"
POSITION_HASH = "position_hash"
IDENTITY_HASH = "identity_hash"
TABLE = "table_name"

# What a row has in `table_name`, by the column that counts it.
TABLES = {IN_RAW: 1, IN_EVENTS: 2, IN_QUARANTINE: 3}

_CONTENT = "content_hash"


@dataclass(frozen=True)
class Frames:
    """The rows of the three tables that are held against each other."""

    raw: DataFrame
    events: DataFrame
    quarantine: DataFrame

    def only(self, ledger: DataFrame) -> "Frames":
        """The rows whose position's hash is in `ledger`; of what it counts none, none are read."""

        def counted(rows: DataFrame, table: str) -> DataFrame:
            hashes = ledger.where(F.col(table) > 0).select(POSITION_HASH)
            return among(rows, position_hash(), hashes)

        return Frames(
            counted(self.raw, IN_RAW),
            counted(self.events, IN_EVENTS),
            counted(self.quarantine, IN_QUARANTINE),
        )


def by_hash(frames: Frames, partitions: int) -> DataFrame:
    """Count each position by its hash.

    Raw's bytes are read here, and what they say is held against the columns of the event. An
    event's payload is not read: it has raw's bytes or is in doubt.

    Columns out:  position_hash, in_raw, in_events, in_quarantine: bigint;
                  content_hash: bigint, of two rows 0 if their bytes, names and dates agree;
                  identity_hash: bigint, of one row that of its identity, null if it has none;
                  of two rows 0 or null if theirs agree
    Rows:         one for each hash of a position
    """
    entries = reduce(
        DataFrame.unionAll,
        (
            _record_entry(frames.raw, IN_RAW),
            _event_entry(frames.events),
            _record_entry(frames.quarantine, IN_QUARANTINE),
        ),
    )
    # Split up before it is grouped: a row of this is half as large as its counters.
    grouped = entries.repartition(partitions, POSITION_HASH).groupBy(POSITION_HASH)
    return grouped.agg(
        *counts(),
        F.bit_xor(_CONTENT).alias(_CONTENT),
        F.bit_xor(IDENTITY_HASH).alias(IDENTITY_HASH),
    )


def is_in_order() -> Column:
    """True where a position is once in raw, and once in one of the other tables, unchanged."""
    agrees = (F.col(_CONTENT) == 0) & (F.coalesce(IDENTITY_HASH, F.lit(0)) == 0)
    return (F.col(IN_RAW) == 1) & (elsewhere() == 1) & agrees


def is_unaccounted() -> Column:
    """True where a position is in raw alone."""
    return (F.col(IN_RAW) > 0) & (elsewhere() == 0)


def elsewhere() -> Column:
    """How often a position is in the tables that `process` writes."""
    return F.col(IN_EVENTS) + F.col(IN_QUARANTINE)


def counts() -> list[Column]:
    """How many rows of a group each table has: in_raw, in_events, in_quarantine: bigint."""
    return [F.count_if(F.col(TABLE) == table).alias(name) for name, table in TABLES.items()]


def position_hash() -> Column:
    """The hash of a position, in the table that it is in."""
    return F.xxhash64(*POSITION)


def identity_hash() -> Column:
    """The hash of an identity; null where a part of it is."""
    is_whole = reduce(and_, (F.col(name).isNotNull() for name in IDENTITY))
    return F.when(is_whole, F.xxhash64(*IDENTITY))


def with_members(records: DataFrame) -> DataFrame:
    """Read event_uuid, event_name: string and created_at: timestamp from `data`, each or null."""
    event = "read_event"
    read = records.withColumn(event, read_event(F.col(DATA)))
    return read.withColumns(members(F.col(event), F.col(DATA))).drop(event)


def _record_entry(records: DataFrame, table: str) -> DataFrame:
    return _entry(with_members(records), table, _content(F.col(DATA)))


def _event_entry(events: DataFrame) -> DataFrame:
    is_whole = reduce(and_, (F.col(name).isNotNull() for name in (*IDENTITY, EVENT_NAME)))
    is_filed = F.col(EVENT_DATE) == utc_date(F.col(CREATED_AT))
    # The hash of a text is the hash of its UTF-8 bytes, so it can be held against raw's.
    content = _content(F.col(PAYLOAD).cast("binary"))
    return _entry(events, IN_EVENTS, F.when(is_whole & is_filed, content))


def _entry(rows: DataFrame, table: str, content: Column) -> DataFrame:
    return rows.select(
        position_hash().alias(POSITION_HASH),
        F.lit(TABLES[table]).alias(TABLE),
        content.alias(_CONTENT),
        identity_hash().alias(IDENTITY_HASH),
    )


def _content(data: Column) -> Column:
    return F.xxhash64(data, F.col(EVENT_NAME))
