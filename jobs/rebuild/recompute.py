"""Recompute stored events from their bytes in raw, and keep those that differ.

An event is recomputed by the steps of `jobs.pipeline` that `process` uses. Only the columns that
record its first processing are copied from the stored row.
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.config import Settings
from jobs.dataframes import broadcast_if_small
from jobs.lake import Tables
from jobs.sinks import processed_positions
from transforms.columns import (
    ARRIVED_AT,
    CREATED_AT,
    DATA,
    DETAIL,
    EVENT_NAME,
    EVENT_UUID,
    IDENTITY,
    INGEST_DATE,
    INGESTED_AT,
    JSON,
    MAY_BE_PROCESSED,
    PARTITION_KEY,
    POSITION,
    PROCESSED_AT,
    REASONS,
    RECORD_INDEX,
    RECORD_POSITION,
)
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.unpacking import WHOLE_RECORD, with_unpacked_events

STORED = "stored"
KIND = "kind"
REPLACED = "replaced"

# The values of `kind`: how a stored event differs. It is null if the event does not.
CHANGED = "changed"
REJECTED = "rejected"
OF_ANOTHER_IDENTITY = "of_another_identity"
NOT_IN_RAW = "not_in_raw"

# Added to the reasons of an event that is rejected now. The row in quarantine was an event, so it
# accounts for the duplicates that were left out because of it.
WITHDRAWN = "withdrawn"

# The columns that record the first processing, and do not depend on the bytes
_OF_FIRST_PROCESSING = (ARRIVED_AT, INGESTED_AT, PROCESSED_AT)
_IN_RAW = "in_raw"


def recomputed_columns(columns: Sequence[str]) -> list[str]:
    """Those of an event's `columns` that follow from its record and the rules."""
    copied = (*_OF_FIRST_PROCESSING, *POSITION, *IDENTITY)
    return [name for name in columns if name not in copied]


def differing(stored: DataFrame, rows: int, raw: DataFrame, settings: Settings) -> DataFrame:
    """The stored events that the current rules change or reject.

    Columns in:   `stored`: those of the events table; `raw`: RAW_SCHEMA
    Columns out:  those of the events table, recomputed; arrived_at, ingested_at and processed_at
                  as stored; stored: struct, the stored event; kind: string, how it differs;
                  reasons, detail; data, partition_key, ingest_date as in raw
    Rows:         one for each stored event that differs

    Args:
        rows: the number of `stored` events.
        raw: all that may contain their records.
    """
    names = stored.columns
    events = stored.select(*POSITION, F.struct(*names).alias(STORED))
    positions = broadcast_if_small(events.select(*RECORD_POSITION), rows)
    records = (
        raw.join(positions, on=list(RECORD_POSITION), how="left_semi")
        .transform(_whole_and_unpacked(settings))
        .dropDuplicates(list(POSITION))
        .withColumn(_IN_RAW, F.lit(True))
    )
    extra = (STORED, _IN_RAW, REASONS, DETAIL, DATA, PARTITION_KEY, INGEST_DATE)
    return (
        events.join(records, on=list(POSITION), how="left")
        .withColumn(PROCESSED_AT, F.col(STORED)[PROCESSED_AT])
        .transform(pipeline.parsed_and_validated(settings))
        .withColumns({name: F.col(STORED)[name] for name in _OF_FIRST_PROCESSING})
        .transform(pipeline.events(settings, extra))
        .transform(_filter_barrier)
        .withColumn(KIND, _kind(recomputed_columns(names)))
        .where(F.col(KIND).isNotNull())
        .drop(_IN_RAW)
    )


def _whole_and_unpacked(settings: Settings) -> Transform:
    """Each record as a whole, and taken apart: the format may have changed since it was stored.

    Columns out:  + unpacking_fault: string
    Rows:         each record as it came; with a format that is not plain, also its parts
    """

    def apply(records: DataFrame) -> DataFrame:
        unpacked = records.transform(pipeline.unpacked(settings))
        if settings.format.record_format.is_plain:
            return unpacked
        parts = unpacked.where(F.col(RECORD_INDEX) != WHOLE_RECORD)
        return records.transform(with_unpacked_events()).unionByName(parts)

    return apply


def differs(name: str) -> Column:
    """True if the recomputed column `name` differs from the stored one. Never null."""
    return ~F.col(name).eqNullSafe(F.col(STORED)[name])


def _filter_barrier(rows: DataFrame) -> DataFrame:
    """Return the same rows, as a plan that Spark pushes no filter through.

    A filter on computed columns, pushed below the steps that compute them, repeats the expression
    of each step wherever a later one uses it: planning takes minutes, and the checks run twice.
    Spark pushes no filter below the explosion of an array, which has one row here.
    """
    return rows.select(F.explode(F.array(F.struct("*"))).alias("row")).select("row.*")


def _kind(recomputed: Sequence[str]) -> Column:
    return (
        F.when(F.col(_IN_RAW).isNull(), NOT_IN_RAW)
        .when(~is_accepted(), REJECTED)
        .when(_any_differs(IDENTITY), OF_ANOTHER_IDENTITY)
        .when(_any_differs(recomputed), CHANGED)
    )


def _any_differs(names: Sequence[str]) -> Column:
    return reduce(or_, (differs(name) for name in names))


def withdrawn(rejected: DataFrame) -> DataFrame:
    """Make rows of the quarantine table of stored events that are rejected now.

    Columns in:   those of `differing`
    Columns out:  QUARANTINE_SCHEMA; the identity and the name as stored; reasons: + withdrawn
    Rows:         one out for each in
    """
    stored = {name: F.col(STORED)[name] for name in (EVENT_UUID, EVENT_NAME, CREATED_AT)}
    reasons = F.array_append(REASONS, F.lit(WITHDRAWN))
    return rejected.withColumns(stored | {REASONS: reasons}).transform(pipeline.quarantine)


def sound_duplicates(
    rejected: DataFrame, rows: int, raw: DataFrame, tables: Tables, settings: Settings
) -> DataFrame:
    """The duplicates of rejected events that the current rules accept.

    Such a record was left out as a duplicate of an event that is rejected now, so it takes the
    place of this event. The table has the identity at every moment, so a running `process` cannot
    store it as well.

    Columns in:   `rejected`: those of `differing`; `raw`: RAW_SCHEMA
    Columns out:  those of the events table, computed from the duplicate; processed_at as stored
                  with the rejected event; replaced: struct, the position of the rejected event
    Rows:         at most one for each identity: the first by position that is in neither table

    Args:
        rows: the number of `rejected` events.
        raw: all that may contain a duplicate.
    """
    stored = F.col(STORED)
    replaced = F.struct(*(stored[name].alias(name) for name in (*POSITION, PROCESSED_AT)))
    identities = (
        rejected.groupBy(*(stored[name].alias(name) for name in IDENTITY))
        .agg(F.min(replaced).alias(REPLACED))
        .select(*IDENTITY, REPLACED)
    )
    duplicates = (
        raw.transform(pipeline.unpacked(settings))
        .transform(pipeline.parsed_and_validated(settings))
        .drop(JSON)
        .transform(_filter_barrier)
        .where(is_accepted())
        .join(broadcast_if_small(identities, rows), on=list(IDENTITY), how="inner")
        .withColumn(PROCESSED_AT, F.col(REPLACED)[PROCESSED_AT])
        .transform(pipeline.events(settings, (REPLACED,)))
        .withColumn(MAY_BE_PROCESSED, F.lit(True))
        .localCheckpoint()
    )
    first, last, count = duplicates.agg(
        *(F.unix_micros(each(INGESTED_AT)) for each in (F.min, F.max)), F.count(F.lit(1))
    ).collect()[0]
    if not count:
        return duplicates.drop(MAY_BE_PROCESSED)
    processed = processed_positions(duplicates, tables, count, first, last)
    columns = [name for name in duplicates.columns if name != MAY_BE_PROCESSED]
    return (
        duplicates.join(processed, on=list(POSITION), how="left_anti")
        .groupBy(*IDENTITY)
        .agg(F.min_by(F.struct(*columns), F.struct(*POSITION)).alias("duplicate"))
        .select("duplicate.*")
    )
