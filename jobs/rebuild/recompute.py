"""What today's rules make of stored events, from the bytes that raw has of them."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.config.settings import Settings
from jobs.dataframes.joins import small
from jobs.lake.tables import Tables
from jobs.sinks.processed_positions import taken_positions
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
    IS_LATE,
    MAY_BE_TAKEN,
    PARTITION_KEY,
    POSITION,
    PROCESSED_AT,
    REASONS,
)
from transforms.deduplication import is_accepted
from transforms.parsing.records import JSON

STORED = "stored"
KIND = "kind"

# What became of a stored event; null where today's rules say what is stored.
CHANGED = "changed"
REJECTED = "rejected"
OF_ANOTHER_IDENTITY = "of_another_identity"
NOT_IN_RAW = "not_in_raw"

# The reason that a rejected event has beside those of the checks: what holds its identity in
# quarantine was an event, so its twins, which were left out for it, are accounted for.
WITHDRAWN = "withdrawn"

# These tell of the first processing, not of the bytes.
_KEPT = (ARRIVED_AT, INGESTED_AT, PROCESSED_AT, IS_LATE)
_IN_RAW = "in_raw"


def recomputed_columns(columns: Sequence[str]) -> list[str]:
    """Those of an event's `columns` that follow from its bytes and the rules."""
    return [name for name in columns if name not in (*_KEPT, *POSITION, *IDENTITY)]


def differing(stored: DataFrame, rows: int, raw: DataFrame, settings: Settings) -> DataFrame:
    """The stored events of which today's rules say something else, or nothing.

    Columns in:   `stored`: the events table's; `raw`: RAW_SCHEMA
    Columns out:  the event as today's rules read it, but for what tells of its first processing;
                  stored: struct, the event as it is stored; kind: string, see above;
                  reasons, detail; data, partition_key, ingest_date as in raw
    Rows:         one for each stored event that differs

    Args:
        rows: how many events are `stored`.
        raw: what may hold their records.
    """
    names = stored.columns
    own = stored.select(*POSITION, F.struct(*names).alias(STORED))
    records = (
        raw.join(small(own.select(*POSITION), rows), on=list(POSITION), how="left_semi")
        .dropDuplicates(list(POSITION))
        .withColumn(_IN_RAW, F.lit(True))
    )
    beside = (STORED, _IN_RAW, REASONS, DETAIL, DATA, PARTITION_KEY, INGEST_DATE)
    return (
        own.join(records, on=list(POSITION), how="left")
        .withColumns({name: F.col(STORED)[name] for name in (PROCESSED_AT, IS_LATE)})
        .transform(pipeline.judged(settings))
        .withColumns({name: F.col(STORED)[name] for name in _KEPT})
        .transform(pipeline.events(settings, beside))
        .transform(_settled)
        .withColumn(KIND, _kind(recomputed_columns(names)))
        .where(F.col(KIND).isNotNull())
        .drop(_IN_RAW)
    )


def differs(name: str) -> Column:
    """True where today's rules say something else of column `name`. Never null."""
    return ~F.col(name).eqNullSafe(F.col(STORED)[name])


def _settled(rows: DataFrame) -> DataFrame:
    """The same rows, below which Spark moves no filter.

    Moved below the steps, a filter on what they compute has each step written out in it as often
    as a later one uses it: minutes of planning, and the checks computed twice. Nothing moves below
    the explosion of an array, here of one row.
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
    """The rows of quarantine for stored events that today's rules reject.

    Columns in:   those of `differing`
    Columns out:  QUARANTINE_SCHEMA; the identity and the name are those that were stored
    Rows:         one out for each in
    """
    stored = {name: F.col(STORED)[name] for name in (EVENT_UUID, EVENT_NAME, CREATED_AT)}
    reasons = F.array_append(REASONS, F.lit(WITHDRAWN))
    return rejected.withColumns(stored | {REASONS: reasons}).transform(pipeline.quarantine)


def sound_twins(
    rejected: DataFrame, rows: int, raw: DataFrame, tables: Tables, settings: Settings
) -> DataFrame:
    """Another record of the same event, for rejected ones of which raw has one that is sound.

    It was left out as a twin of a row that is no event any more, so it takes its place: the table
    has the identity at every moment, so a running `process` cannot store it as well.

    Columns in:   `rejected`: those of `differing`; `raw`: RAW_SCHEMA
    Columns out:  the events table's, but for what tells of the first processing: as stored;
                  holder: struct, the position of the rejected row
    Rows:         at most one for each identity: the first by position that neither table has

    Args:
        rows: how many are `rejected`.
        raw: all that may hold a twin.
    """
    stored = F.col(STORED)
    holder = F.struct(*(stored[name].alias(name) for name in (*POSITION, PROCESSED_AT, IS_LATE)))
    identities = (
        rejected.groupBy(*(stored[name].alias(name) for name in IDENTITY))
        .agg(F.min(holder).alias("holder"))
        .select(*IDENTITY, "holder")
    )
    twins = (
        raw.transform(pipeline.judged(settings))
        .drop(JSON)
        .transform(_settled)
        .where(is_accepted())
        .join(small(identities, rows), on=list(IDENTITY), how="inner")
        .withColumns({name: F.col("holder")[name] for name in (PROCESSED_AT, IS_LATE)})
        .transform(pipeline.events(settings, ("holder",)))
        .withColumn(MAY_BE_TAKEN, F.lit(True))
        .localCheckpoint()
    )
    first, last, found = twins.agg(
        *(F.unix_micros(each(INGESTED_AT)) for each in (F.min, F.max)), F.count(F.lit(1))
    ).collect()[0]
    if not found:
        return twins.drop(MAY_BE_TAKEN)
    taken = taken_positions(twins, tables, found, first, last)
    columns = [name for name in twins.columns if name != MAY_BE_TAKEN]
    return (
        twins.join(taken, on=list(POSITION), how="left_anti")
        .groupBy(*IDENTITY)
        .agg(F.min_by(F.struct(*columns), F.struct(*POSITION)).alias("twin"))
        .select("twin.*")
    )
