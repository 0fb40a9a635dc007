"""Count in which tables each position is, and whether its bytes agree: in raw, events, quarantine.

All tables meet in one shuffle of hashes, of some 30 bytes a row. Two positions may share a hash by
chance, so hashes are only used to clear rows: those of the position, the bytes and the identity
must agree, which are 192 bits. `jobs.audit.violations` compares the other rows exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from jobs.audit.derived import IS_MISDERIVED, OUTDATED, with_derivation
from jobs.audit.reference_parser import ReferenceParser, event_text, utc_date
from jobs.dataframes import only_hashes
from transforms.columns import (
    CREATED_AT,
    DATA,
    EVENT_DATE,
    EVENT_NAME,
    IDENTITY,
    PAYLOAD,
    POSITION,
)
from transforms.enrichment import Field

IN_RAW = "in_raw"
IN_EVENTS = "in_events"
IN_QUARANTINE = "in_quarantine"
POSITION_HASH = "position_hash"
IDENTITY_HASH = "identity_hash"
TABLE = "table_number"

# The number of each table in `table_number`, by the column that counts its rows
TABLES = {IN_RAW: 1, IN_EVENTS: 2, IN_QUARANTINE: 3}

_CONTENT = "content_hash"


@dataclass(frozen=True)
class Frames:
    """Rows of the three tables."""

    raw: DataFrame
    events: DataFrame
    quarantine: DataFrame
    parser: ReferenceParser = field(default_factory=ReferenceParser)

    def only(self, counted: DataFrame) -> "Frames":
        """Keep the rows whose position has its hash in `counted`.

        A table of which `counted` has no rows is not read.

        Columns in:   `counted`: those of `count_by_hash`
        """

        def only_counted(rows: DataFrame, table: str) -> DataFrame:
            hashes = counted.where(F.col(table) > 0).select(POSITION_HASH)
            return only_hashes(rows, position_hash(), hashes)

        return Frames(
            only_counted(self.raw, IN_RAW),
            only_counted(self.events, IN_EVENTS),
            only_counted(self.quarantine, IN_QUARANTINE),
            self.parser,
        )


def count_by_hash(
    frames: Frames, partitions: int, fields: Sequence[Field], outdated: Observation
) -> DataFrame:
    """Count the rows of each position by its hash.

    Raw's bytes are parsed here, and compared with the columns of the event. The payload of an event
    is parsed for `fields` alone: either it has raw's bytes, or the position is a suspect.

    Columns out:  position_hash: bigint; in_raw, in_events, in_quarantine: bigint, the number of
                  rows; content_hash: bigint, for two rows 0 if their bytes, names and dates agree;
                  identity_hash: bigint, for one row that of its identity, or null if it has none;
                  for two rows 0 or null if their identities agree
    Rows:         one for each hash of a position

    Args:
        fields: the promoted columns to compare.
        outdated: gets `outdated_values`, their sum over all events.
    """
    events = with_derivation(frames.events, fields)
    events = events.observe(outdated, F.coalesce(F.sum(OUTDATED), F.lit(0)).alias(OUTDATED))
    entries = reduce(
        DataFrame.unionAll,
        (
            _record_entry(frames.raw, IN_RAW, frames.parser),
            _event_entry(events),
            _record_entry(frames.quarantine, IN_QUARANTINE, frames.parser),
        ),
    )
    # Shuffled before the aggregation: an entry is half as large as its counters.
    grouped = entries.repartition(partitions, POSITION_HASH).groupBy(POSITION_HASH)
    return grouped.agg(
        *counts_by_table(),
        F.bit_xor(_CONTENT).alias(_CONTENT),
        F.bit_xor(IDENTITY_HASH).alias(IDENTITY_HASH),
    )


def is_in_order() -> Column:
    """True if a position is once in raw and once in one of the other tables, unchanged."""
    in_other_tables = F.col(IN_EVENTS) + F.col(IN_QUARANTINE)
    agrees = (F.col(_CONTENT) == 0) & (F.coalesce(IDENTITY_HASH, F.lit(0)) == 0)
    return (F.col(IN_RAW) == 1) & (in_other_tables == 1) & agrees


def is_unaccounted() -> Column:
    """True if a position is in raw alone."""
    return (F.col(IN_RAW) > 0) & (F.col(IN_EVENTS) + F.col(IN_QUARANTINE) == 0)


def counts_by_table() -> list[Column]:
    """The rows that a group has in each table: in_raw, in_events, in_quarantine: bigint."""
    return [F.count_if(F.col(TABLE) == number).alias(name) for name, number in TABLES.items()]


def position_hash() -> Column:
    """The hash of a position. It is the same in each table."""
    return F.xxhash64(*POSITION)


def identity_hash() -> Column:
    """The hash of an identity; null if a part of the identity is null."""
    is_whole = reduce(and_, (F.col(name).isNotNull() for name in IDENTITY))
    return F.when(is_whole, F.xxhash64(*IDENTITY))


def with_members(records: DataFrame, parser: ReferenceParser) -> DataFrame:
    """Read the identity and the name of an event from its bytes.

    Columns in:   data: binary
    Columns out:  + event_uuid, event_name: string; created_at: timestamp (UTC); each null if it
                  cannot be read
    Rows:         one out for each in
    """
    event = "read_event"
    read = records.withColumn(event, parser.read_event(F.col(DATA)))
    return read.withColumns(parser.members(F.col(event), F.col(DATA))).drop(event)


def _record_entry(records: DataFrame, table: str, parser: ReferenceParser) -> DataFrame:
    text = event_text(F.col(DATA)).cast("binary")
    return _entry(with_members(records, parser), table, _content(text))


def _event_entry(events: DataFrame) -> DataFrame:
    is_whole = reduce(and_, (F.col(name).isNotNull() for name in (*IDENTITY, EVENT_NAME)))
    is_filed = F.col(EVENT_DATE) == utc_date(F.col(CREATED_AT))
    is_sound = is_whole & is_filed & ~F.col(IS_MISDERIVED)
    # The hash of a string is the hash of its UTF-8 bytes, so it equals that of raw's bytes.
    content = _content(F.col(PAYLOAD).cast("binary"))
    return _entry(events, IN_EVENTS, F.when(is_sound, content))


def _entry(rows: DataFrame, table: str, content: Column) -> DataFrame:
    return rows.select(
        position_hash().alias(POSITION_HASH),
        F.lit(TABLES[table]).alias(TABLE),
        content.alias(_CONTENT),
        identity_hash().alias(IDENTITY_HASH),
    )


def _content(data: Column) -> Column:
    return F.xxhash64(data, F.col(EVENT_NAME))
