"""Each table gets exactly its columns, in their order and with their types."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from tests.support.frames import ARRIVED_AT, in_order, raw_frame
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA, RECORD_SCHEMA
from transforms.compose import compose
from transforms.enrichment.event_names import with_event_parts
from transforms.enrichment.promoted_fields import Field, field_roots, with_fields
from transforms.errors import MissingColumnsError
from transforms.parsing.records import with_parsed_json
from transforms.parsing.timestamps import with_created_datetime, with_times
from transforms.table_rows import (
    as_events,
    as_next_attempt,
    as_quarantine,
    as_raw,
    without_unstored_columns,
)
from transforms.validation.checks import with_reasons

FIELDS = [Field("user_id", "$.user.id", "bigint"), Field("price", "$.price", "decimal(6,2)")]
TEXT = '{"event_uuid":"é1", "event_name":"a:b","created_at":1763800000,"user":{"id":7}}\n'
RECORDS = [TEXT.encode(), b'\xff{"a":1}']


def _types(schema: str) -> list[tuple[str, str]]:
    fields = cast(StructType, StructType.fromDDL(schema))
    return [(field.name, field.dataType.simpleString()) for field in fields]


def _processed(spark: SparkSession) -> DataFrame:
    """Cut from its plan, as after the state. Spark would push a filter below the steps, copy each
    step into it as often as a later one uses it, and take minutes to plan that."""
    steps = compose(
        with_parsed_json(field_roots(FIELDS)),
        with_times(),
        with_reasons(),
        with_fields(FIELDS),
        without_unstored_columns,
        with_created_datetime,
        with_event_parts(),
    )
    return (
        raw_frame(spark, RECORDS)
        .transform(steps)
        .withColumn("processed_at", F.current_timestamp())
        .withColumn("is_late", F.lit(False))
        .localCheckpoint()
    )


def test_columns_that_no_table_stores_are_dropped(spark: SparkSession) -> None:
    """Raw has the partition key of an event. Quarantine has that of a rejected record."""
    rows = _processed(spark)

    assert not {"json", "fault"} & set(rows.columns)
    assert in_order(rows, "event_uuid", F.isnull("partition_key").alias("is_dropped")) == [
        ("é1", True),
        (None, False),
    ]


def test_the_events_table_gets_its_columns_and_the_promoted_ones(spark: SparkSession) -> None:
    """The promoted columns are before the payload, which is the unchanged text of the record."""
    events = _processed(spark).where(F.size("reasons") == 0).transform(as_events(FIELDS, "7"))

    expected = _types(EVENT_SCHEMA)
    before = [name for name, _ in expected].index("payload")
    expected[before:before] = [("user_id", "bigint"), ("price", "decimal(6,2)")]
    assert events.dtypes == expected
    assert in_order(events, "event_uuid", "event_subtype", "user_id", "price", "payload") == [
        ("é1", "b", 7, None, TEXT)
    ]
    assert in_order(events, "contract_version") == [("7",)]


def test_without_promoted_fields_the_events_table_has_its_schema(spark: SparkSession) -> None:
    events = _processed(spark).transform(as_events())

    assert events.dtypes == _types(EVENT_SCHEMA)


def test_quarantine_stores_the_bytes(spark: SparkSession) -> None:
    """A rejected record can be replayed from quarantine."""
    rejected = _processed(spark).where(F.size("reasons") > 0).transform(as_quarantine)

    assert rejected.dtypes == _types(QUARANTINE_SCHEMA)
    assert in_order(rejected, "data", "reasons", "event_uuid") == [
        (bytearray(RECORDS[1]), ["not_utf8"], None)
    ]


def test_the_raw_table_gets_the_time_of_ingestion(spark: SparkSession) -> None:
    """`ingest_date` is the UTC date of `ingested_at`, and the bytes are unchanged."""
    arrived = datetime(2025, 11, 22, 8, 30, tzinfo=UTC)
    records = spark.createDataFrame(
        [
            (bytearray(b"\xff\x00"), "key", "shard", "1", 3, arrived),
            (bytearray(b""), "key", "shard", "2", None, arrived),
        ],
        RECORD_SCHEMA,
    )
    started = datetime.now(UTC) - timedelta(milliseconds=1)

    raw = records.transform(as_raw)
    day = F.date_format("ingested_at", "yyyy-MM-dd").alias("day")
    rows = raw.select("*", day, F.unix_micros("ingested_at").alias("micros")).collect()

    assert raw.dtypes == _types(RAW_SCHEMA)
    assert [(bytes(row.data), row.sub_sequence_number, row.attempt) for row in rows] == [
        (b"\xff\x00", 3, 0),
        (b"", None, 0),
    ]
    assert [row.ingest_date.isoformat() for row in rows] == [row.day for row in rows]
    assert all(row.micros >= started.timestamp() * 1_000_000 for row in rows)
    assert rows[0].ingested_at == rows[1].ingested_at


def test_the_next_attempt_of_a_record_has_its_bytes_and_its_arrival(spark: SparkSession) -> None:
    """Only the attempt and the time of ingestion are new."""
    rejected = _processed(spark).where(F.size("reasons") > 0).transform(as_quarantine)
    again_at = datetime(2025, 12, 24, 23, 59, 59, tzinfo=UTC)

    again = rejected.transform(as_next_attempt(again_at))
    row = again.withColumn("arrived", F.unix_micros("arrived_at")).collect()[0]

    assert again.dtypes == _types(RAW_SCHEMA)
    assert bytes(row.data) == RECORDS[1]
    assert (row.sequence_number, row.attempt) == ("1", 1)
    assert row.arrived == ARRIVED_AT.timestamp() * 1_000_000
    assert row.ingest_date.isoformat() == "2025-12-24"
    assert again.select(F.col("ingested_at") == F.lit(again_at)).collect() == [(True,)]


def test_a_frame_without_its_columns_is_rejected(spark: SparkSession) -> None:
    """The error names the transform and the column."""
    empty = spark.range(1)

    with pytest.raises(MissingColumnsError, match=r"as_raw needs .*'data'"):
        as_raw(empty)
    with pytest.raises(MissingColumnsError, match=r"as_events needs .*'user_id'"):
        empty.transform(as_events(FIELDS))
    with pytest.raises(MissingColumnsError, match=r"as_quarantine needs .*'reasons'"):
        as_quarantine(empty)
    with pytest.raises(MissingColumnsError, match=r"as_next_attempt needs .*'attempt'"):
        empty.transform(as_next_attempt(ARRIVED_AT))
    with pytest.raises(MissingColumnsError, match=r"without_unstored_columns needs .*'fault'"):
        without_unstored_columns(empty)
