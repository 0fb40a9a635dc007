"""The columns that each table keeps, in their order."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from transforms.columns import (
    ATTEMPT,
    CONTRACT_VERSION,
    DATA,
    EVENT_SCHEMA,
    INGEST_DATE,
    INGESTED_AT,
    PARTITION_KEY,
    PAYLOAD,
    QUARANTINE_SCHEMA,
    RAW_SCHEMA,
    REASONS,
    RECORD_SCHEMA,
)
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.enrichment.promoted_fields import Field
from transforms.errors import require
from transforms.parsing.records import FAULT, JSON
from transforms.parsing.timestamps import utc_date


def as_raw(records: DataFrame) -> DataFrame:
    """What the raw table keeps of a record, byte for byte.

    Columns in:   RECORD_SCHEMA
    Columns out:  RAW_SCHEMA: + ingested_at: timestamp, the batch's time, the same for a replayed
                  batch; ingest_date: date of it in UTC; attempt: int, 0
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(records, *_names(RECORD_SCHEMA), owner="as_raw")
    return (
        records.withColumn(INGESTED_AT, F.current_timestamp())
        .withColumn(INGEST_DATE, utc_date(F.col(INGESTED_AT)))
        .withColumn(ATTEMPT, F.lit(0))
        .select(*raw_columns())
    )


def as_next_attempt(ingested_at: datetime) -> Transform:
    """A rejected record as a row of raw again, one attempt later.

    `arrived_at` stays: whether an event came from the future is judged by when it came. Only where
    Kinesis did not tell that, the new `ingested_at` stands in.

    Columns in:   those of RAW_SCHEMA
    Columns out:  RAW_SCHEMA: attempt + 1; ingested_at: timestamp, as given, and ingest_date of it
                  in UTC; all else, above all the bytes, as it was
    Rows:         one out for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """

    def apply(rejected: DataFrame) -> DataFrame:
        require(rejected, *raw_columns(), owner="as_next_attempt")
        return (
            rejected.select(*raw_columns())
            .withColumn(INGESTED_AT, F.lit(ingested_at))
            .withColumn(INGEST_DATE, utc_date(F.col(INGESTED_AT)))
            .withColumn(ATTEMPT, F.col(ATTEMPT) + 1)
        )

    return apply


def as_outcomes(records: DataFrame) -> DataFrame:
    """Leave behind what no table keeps, before the rows travel between executors.

    Columns in:   json, fault (see `parsed`); reasons: array<string>; partition_key: string
    Columns out:  all but json and fault; partition_key is null for a sound event, as only
                  quarantine keeps it
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(records, JSON, FAULT, REASONS, PARTITION_KEY, owner="as_outcomes")
    return records.drop(JSON, FAULT).withColumn(
        PARTITION_KEY, F.when(~is_accepted(), F.col(PARTITION_KEY))
    )


def as_events(
    fields: Sequence[Field] = (),
    contract_version: str | None = None,
    beside: Sequence[str] = (),
) -> Transform:
    """What the events table keeps: EVENT_SCHEMA with the promoted fields before the payload.

    Columns in:   those of EVENT_SCHEMA but payload and contract_version; data; the fields' columns;
                  `beside`
    Columns out:  those of EVENT_SCHEMA and the fields; payload is the record's text as it came;
                  behind them `beside`, as they are
    Rows:         one out for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    own, promoted = _names(EVENT_SCHEMA), [field.name for field in fields]
    before = own.index(PAYLOAD)
    kept = [*own[:before], *promoted, *own[before:], *beside]
    made_here = (PAYLOAD, CONTRACT_VERSION)

    def apply(events: DataFrame) -> DataFrame:
        needed = [name for name in kept if name not in made_here]
        require(events, DATA, *needed, owner="as_events")
        return (
            events.withColumn(PAYLOAD, F.col(DATA).cast("string"))
            .withColumn(CONTRACT_VERSION, F.lit(contract_version).cast("string"))
            .select(*kept)
        )

    return apply


def as_quarantine(rejected: DataFrame) -> DataFrame:
    """What the quarantine table keeps: the raw record, why it is no event, what could be read.

    Columns in:   those of QUARANTINE_SCHEMA
    Columns out:  the same, in the table's order
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    kept = _names(QUARANTINE_SCHEMA)
    require(rejected, *kept, owner="as_quarantine")
    return rejected.select(*kept)


def raw_columns() -> list[str]:
    """The columns of the raw table, in their order."""
    return _names(RAW_SCHEMA)


def _names(schema: str) -> list[str]:
    return cast(StructType, StructType.fromDDL(schema)).names
