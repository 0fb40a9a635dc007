"""The audit reads derived and promoted columns as the pipeline does, by code of its own."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.audit.derived import IS_MISDERIVED, OUTDATED, with_derivation
from jobs.config import Settings
from tests.data.created_at import CREATED_AT
from tests.data.json_values import VALUES
from tests.support.frames import in_order, raw_frame
from tests.support.small_lake import SmallLake, event, settings_in
from transforms.columns import EVENT_SCHEMA
from transforms.compose import compose
from transforms.enrichment import Field, with_fields
from transforms.parsing import with_parsed_json

TYPES = {
    "string": "string",
    "boolean": "boolean",
    "int": "int",
    "bigint": "bigint",
    "double": "double",
    "whole": "decimal(38,0)",
    "exact": "decimal(10,2)",
    "day": "date",
    "time": "timestamp",
}
FIELDS = tuple(Field(f"a_{name}", "$.value", kind) for name, kind in TYPES.items())
MORE_VALUES = (
    *(b"7", b"-2147483648", b"2147483648", b"9223372036854775807", b"9223372036854775808"),
    *(
        b"1.0",
        b"100.00",
        b"1.105",
        b"123456789",
        b"-7",
        b"1e3",
        b"1.5",
        b'"7"',
        b'"true"',
        b"1E400",
    ),
    *(b'"2025-11-22"', b'"2025-02-29"', b'" 2025-11-22"', b'"+10000-01-01"', b'"0001-01-01"'),
    *(b'"9999-12-31T23:59:59.999999Z"', b'"2025-11-22T08:26:40"', b"[7]", b'{"value":7}'),
)
NOON = 1767268800  # 2026-01-01T12:00Z


def test_it_reads_every_value_of_every_type_as_the_pipeline_stores_it(spark: SparkSession) -> None:
    """No sound event is reported: neither with a value that is stored, nor with one that is not."""
    values = [*VALUES, *MORE_VALUES, *(text.encode() for text, _ in CREATED_AT)]
    records = [b'{"value":%s}' % value for value in values]
    stored = raw_frame(spark, records).transform(
        compose(with_parsed_json(("value",)), with_fields(FIELDS))
    )
    derived = with_derivation(_as_events(stored), FIELDS)
    actual = in_order(derived, IS_MISDERIVED, OUTDATED)
    wrong = {value: found for value, found in zip(values, actual, strict=True) if any(found)}
    assert wrong == {}
    assert derived.where("a_time IS NOT NULL").count() > 50


@pytest.mark.parametrize(
    ("name", "value", "other"),
    [
        ("string", '"text"', "'other'"),
        ("boolean", "true", "false"),
        ("int", "7", "8"),
        ("bigint", "9223372036854775807", "9223372036854775806"),
        ("double", "0.1", "0.1000000001"),
        ("whole", "1" * 38, "1"),
        ("exact", "1.10", "1.11"),
        ("day", '"2025-11-22"', "DATE '2025-11-23'"),
        ("time", '"9999-12-31T23:59:59Z"', "TIMESTAMP '1816-03-29T05:56:07.066277Z'"),
        ("time", "null", "TIMESTAMP '2025-11-22T00:00:00Z'"),
    ],
)
def test_another_value_is_misderived_and_no_value_is_outdated(
    spark: SparkSession, name: str, value: str, other: str
) -> None:
    """A field may have been added after the event was stored, so null is not an error."""
    [field] = [field for field in FIELDS if field.name == f"a_{name}"]
    record = b'{"value":%s}' % value.encode()
    frame = raw_frame(spark, [record, record])
    column = F.when(F.col("sequence_number") == "0", F.expr(other)).cast(field.type)
    events = _as_events(frame.withColumn(field.name, column))
    actual = in_order(with_derivation(events, [field]), IS_MISDERIVED, OUTDATED)
    assert actual == [(True, 0), (False, 0 if value == "null" else 1)]


def test_the_derived_columns_follow_from_the_name_and_the_time(spark: SparkSession) -> None:
    """The subtype may follow from either rule, because the setting may have been another one."""
    at, text = "2025-11-22T08:26:40.250000Z", "2025-11-22T08:26:40.250000Z"
    cases = [
        (("a:b:c", "a", "b", text), False),
        (("a:b:c", "a", "b:c", text), False),
        (("a:b:c", "a", "c", text), True),
        (("a:b:c", "b", "b", text), True),
        (("a:b:c", "a", None, text), True),
        (("a:b:c", None, "b", text), True),
        (("a", "a", None, text), False),
        (("a", "a", "", text), True),
        (("a:", "a", None, text), False),
        (("a::b", "a", "", text), False),
        (("a::b", "a", ":b", text), False),
        (("a", "a", None, "2025-11-22T08:26:40.250001Z"), True),
        (("a", "a", None, "2025-11-22T08:26:40.250Z"), True),
        (("a", "a", None, "2025-11-22T09:26:40.250000+01:00"), True),
        (("a", "a", None, None), True),
        (("a", "a", None, ""), True),
    ]
    rows = [(str(number), *columns) for number, (columns, _) in enumerate(cases)]
    names = "sequence_number string, event_name string, event_type string, event_subtype string"
    events = spark.createDataFrame(rows, f"{names}, created_datetime string")
    events = events.withColumns({"created_at": F.lit(at).cast("timestamp"), "payload": F.lit("{}")})
    actual = in_order(with_derivation(events, ()), IS_MISDERIVED)
    assert [(columns, found) for (columns, _), (found,) in zip(cases, actual, strict=True)] == cases


def test_a_field_that_is_added_later_is_outdated_until_a_rebuild(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The events that were stored before are no violations. Those with a wrong value are."""
    settings: Settings = settings_in(tmp_path)
    lake = SmallLake(spark, settings)
    lake.put(event("a", NOON, user=1), event("b", NOON), event("c", NOON, user=3))
    lake.process()
    user = Field("user_id", "$.user", "bigint")
    present = lake.by_other_rules(fields=(user,))
    lake.put(event("d", NOON, user=4))
    present.process()

    report = verify_tables(spark, present.tables, fields=(user,))
    assert (report.is_clean, report.stored, report.outdated) == (True, 4, 2)

    wrong = F.when(F.col("event_uuid") == "d", F.lit(5)).otherwise(F.col("user_id"))
    changed = present.events().withColumn("user_id", wrong.cast("bigint"))
    changed.write.format("delta").mode("overwrite").save(present.tables.events.path)
    report = verify_tables(spark, present.tables, fields=(user,))
    assert [(each.kind, each.count) for each in report.violations] == [("misderived", 1)]
    assert (report.stored, report.outdated) == (4, 2)
    assert verify_tables(spark, present.tables).is_clean, "the column is not compared without it"


def _as_events(records: DataFrame) -> DataFrame:
    """Add the payload, and the other columns of an event, which are null."""
    columns = records.sparkSession.createDataFrame([], EVENT_SCHEMA).schema
    missing = {
        column.name: F.lit(None).cast(column.dataType)
        for column in columns
        if column.name not in records.columns or column.name == "event_name"
    }
    return records.withColumns(missing).withColumn("payload", F.col("data").cast("string"))
