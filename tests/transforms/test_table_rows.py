"""Each table gets exactly its columns, in their order and of their types."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from tests.support.frames import in_order, raw_frame
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA, RECORD_SCHEMA
from transforms.compose import compose
from transforms.enrichment.event_names import with_event_parts
from transforms.enrichment.promoted_fields import Field, field_roots, with_fields
from transforms.errors import MissingColumnsError
from transforms.parsing.records import parsed
from transforms.parsing.timestamps import with_created_datetime, with_times
from transforms.table_rows import as_events, as_outcomes, as_quarantine, as_raw
from transforms.validation.checks import with_reasons

FIELDS = [Field("user_id", "$.user.id", "bigint"), Field("price", "$.price", "decimal(6,2)")]
TEXT = '{"event_uuid":"é1", "event_name":"a:b","created_at":1763800000,"user":{"id":7}}\n'
RECORDS = [TEXT.encode(), b'\xff{"a":1}']


def _types(schema: str) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in StructType.fromDDL(schema)]


def _outcomes(spark: SparkSession) -> DataFrame:
    """Cut off from its plan, as behind the state: a filter that moves below the steps has each
    written out in it as often as a later one uses it, which takes Spark minutes to plan."""
    steps = compose(
        parsed(field_roots(FIELDS)),
        with_times(),
        with_reasons(),
        with_fields(FIELDS),
        as_outcomes,
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


def test_as_outcomes_leaves_behind_what_no_table_keeps(spark: SparkSession) -> None:
    """The partition key of an event stays in raw; quarantine keeps that of a rejected record."""
    outcomes = _outcomes(spark)

    assert not {"json", "fault"} & set(outcomes.columns)
    assert in_order(outcomes, "event_uuid", F.isnull("partition_key").alias("is_left")) == [
        ("é1", True),
        (None, False),
    ]


def test_as_events_has_the_tables_columns_and_the_promoted_ones(spark: SparkSession) -> None:
    """The promoted columns stand before the payload, which is the record's text as it came."""
    events = _outcomes(spark).where(F.size("reasons") == 0).transform(as_events(FIELDS, "7"))

    expected = _types(EVENT_SCHEMA)
    before = [name for name, _ in expected].index("payload")
    expected[before:before] = [("user_id", "bigint"), ("price", "decimal(6,2)")]
    assert events.dtypes == expected
    assert in_order(events, "event_uuid", "event_subtype", "user_id", "price", "payload") == [
        ("é1", "b", 7, None, TEXT)
    ]
    assert in_order(events, "contract_version") == [("7",)]


def test_as_events_without_fields_is_the_events_schema(spark: SparkSession) -> None:
    events = _outcomes(spark).transform(as_events())

    assert events.dtypes == _types(EVENT_SCHEMA)


def test_as_quarantine_keeps_the_bytes(spark: SparkSession) -> None:
    """A rejected record can be replayed from what the quarantine keeps."""
    rejected = _outcomes(spark).where(F.size("reasons") > 0).transform(as_quarantine)

    assert rejected.dtypes == _types(QUARANTINE_SCHEMA)
    assert in_order(rejected, "data", "reasons", "event_uuid") == [
        (bytearray(RECORDS[1]), ["not_utf8"], None)
    ]


def test_as_raw_adds_when_a_record_was_ingested(spark: SparkSession) -> None:
    """The date is that of the time beside it, in UTC, and the bytes are untouched."""
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


def test_a_layout_names_the_columns_that_it_lacks(spark: SparkSession) -> None:
    empty = spark.range(1)

    with pytest.raises(MissingColumnsError, match=r"as_raw needs .*'data'"):
        as_raw(empty)
    with pytest.raises(MissingColumnsError, match=r"as_events needs .*'user_id'"):
        empty.transform(as_events(FIELDS))
    with pytest.raises(MissingColumnsError, match=r"as_quarantine needs .*'reasons'"):
        as_quarantine(empty)
