"""Make the rows of each table: its columns, in their order."""

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
    FAULT,
    INGEST_DATE,
    INGESTED_AT,
    JSON,
    PARTITION_KEY,
    PAYLOAD,
    QUARANTINE_SCHEMA,
    RAW_SCHEMA,
    REASONS,
    RECORD_INDEX,
    RECORD_SCHEMA,
)
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.enrichment import Field
from transforms.errors import require
from transforms.parsing import utc_date, without_byte_order_mark
from transforms.unpacking import WHOLE_RECORD


def as_raw(records: DataFrame) -> DataFrame:
    """Make rows of the raw table. The bytes of a record are not changed.

    Columns in:   RECORD_SCHEMA
    Columns out:  RAW_SCHEMA: + ingested_at: timestamp (UTC), Spark's time of the micro-batch, the
                  same when the batch is replayed; ingest_date: date (UTC) of ingested_at;
                  attempt: int, 0; record_index: int, -1
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(records, *_names(RECORD_SCHEMA), owner="as_raw")
    return (
        records.withColumn(INGESTED_AT, F.current_timestamp())
        .withColumn(INGEST_DATE, utc_date(F.col(INGESTED_AT)))
        .withColumn(ATTEMPT, F.lit(0))
        .withColumn(RECORD_INDEX, F.lit(WHOLE_RECORD))
        .select(*raw_columns())
    )


def as_next_attempt(ingested_at: datetime) -> Transform:
    """Make rows of the raw table of rejected records, with the next attempt number.

    `arrived_at` does not change, because the checks compare `created_at` with the arrival. If
    Kinesis reported no arrival, they compare it with the new `ingested_at`.

    Columns in:   those of RAW_SCHEMA
    Columns out:  RAW_SCHEMA: attempt: int, one more; ingested_at: timestamp (UTC), as given;
                  ingest_date: date (UTC) of ingested_at; the others unchanged
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


def without_unstored_columns(records: DataFrame) -> DataFrame:
    """Drop what no table stores, before the rows are shuffled.

    Columns in:   json, fault (see `with_parsed_json`); reasons: array<string>;
                  partition_key: string
    Columns out:  all but json and fault; partition_key is null for an accepted row, because
                  the events table does not have it
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    require(records, JSON, FAULT, REASONS, PARTITION_KEY, owner="without_unstored_columns")
    return records.drop(JSON, FAULT).withColumn(
        PARTITION_KEY, F.when(~is_accepted(), F.col(PARTITION_KEY))
    )


def as_events(
    fields: Sequence[Field] = (),
    contract_version: str | None = None,
    extra: Sequence[str] = (),
) -> Transform:
    """Make rows of the events table: EVENT_SCHEMA, with the promoted fields before the payload.

    Columns in:   those of EVENT_SCHEMA but payload and contract_version; data; the fields' columns;
                  `extra`
    Columns out:  those of EVENT_SCHEMA and the fields; payload: string, the record's text
                  unchanged, without a byte order mark; contract_version: string, as given; after
                  them `extra`, unchanged
    Rows:         one out for each in

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    own, promoted = _names(EVENT_SCHEMA), [field.name for field in fields]
    before = own.index(PAYLOAD)
    columns = [*own[:before], *promoted, *own[before:], *extra]
    added_here = (PAYLOAD, CONTRACT_VERSION)

    def apply(events: DataFrame) -> DataFrame:
        needed = [name for name in columns if name not in added_here]
        require(events, DATA, *needed, owner="as_events")
        return (
            events.withColumn(PAYLOAD, without_byte_order_mark(F.col(DATA)))
            .withColumn(CONTRACT_VERSION, F.lit(contract_version).cast("string"))
            .select(*columns)
        )

    return apply


def as_quarantine(rejected: DataFrame) -> DataFrame:
    """Make rows of the quarantine table: the raw record, its reasons, and what could be read.

    Columns in:   those of QUARANTINE_SCHEMA
    Columns out:  the same, in the table's order
    Rows:         one out for each in

    Raises:
        MissingColumnsError: if the frame lacks one of the columns.
    """
    columns = _names(QUARANTINE_SCHEMA)
    require(rejected, *columns, owner="as_quarantine")
    return rejected.select(*columns)


def raw_columns() -> list[str]:
    """The columns of the raw table, in their order."""
    return _names(RAW_SCHEMA)


def _names(schema: str) -> list[str]:
    return cast(StructType, StructType.fromDDL(schema)).names
