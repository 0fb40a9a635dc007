"""A promoted field is the value in the payload or null, never a converted value."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from tests.support.frames import in_order, raw_frame
from transforms.compose import compose
from transforms.enrichment.promoted_fields import Field, field_roots, with_fields
from transforms.errors import InvalidSettingError, MissingColumnsError
from transforms.parsing.records import with_parsed_json

MICROS = "yyyy-MM-dd HH:mm:ss.SSSSSS"

VALUES: dict[str, list[tuple[str, object]]] = {
    "string": [
        ('"text"', "text"),
        ('""', ""),
        ('"1"', "1"),
        ('"\\u00e9"', "é"),
        ("1", None),
        ("true", None),
        ("null", None),
        ("{}", None),
        ('["a"]', None),
    ],
    "boolean": [("true", True), ("false", False), ("1", None), ('"true"', None), ("null", None)],
    "int": [
        ("7", 7),
        ("-2147483648", -2147483648),
        ("2147483648", None),
        ("1.5", None),
        ("1.0", None),
        ("true", None),
        ('"7"', None),
    ],
    "bigint": [
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", None),
        ("1.5", None),
        ("1e3", None),
        ("true", None),
        ('"7"', None),
        ("[7]", None),
    ],
    "double": [
        ("1.5", 1.5),
        ("7", 7.0),
        ("1e3", 1000.0),
        ("1e400", None),
        ("-1e400", None),
        ("true", None),
        ('"1.5"', None),
        ('"NaN"', None),
    ],
    "decimal(10,2)": [
        ("1.10", Decimal("1.10")),
        ("-7", Decimal("-7.00")),
        ("12345678.99", Decimal("12345678.99")),
        ("0.1", Decimal("0.10")),
        ("123456789", None),
        ("1.105", None),
        ("1e3", None),
        ('"1.10"', None),
        ("true", None),
    ],
    "date": [
        ('"2025-11-22"', date(2025, 11, 22)),
        ('"2025-02-29"', None),
        ('"2025-11-22T08:26:40Z"', None),
        ('"2025-11"', None),
        ('"today"', None),
        ("20251122", None),
    ],
    "timestamp": [
        ("1763800000", datetime(2025, 11, 22, 8, 26, 40)),
        ('"1763800000250"', datetime(2025, 11, 22, 8, 26, 40, 250000)),
        ('"2025-11-22T09:26:40.000001+01:00"', datetime(2025, 11, 22, 8, 26, 40, 1)),
        ('"2025-11-22T08:26:40"', None),
        ("true", None),
    ],
}


@pytest.mark.parametrize("sql_type", list(VALUES))
def test_a_value_of_another_type_gives_null(spark: SparkSession, sql_type: str) -> None:
    """Nothing is converted, rounded or truncated. The column has the type of the field."""
    cases = VALUES[sql_type]
    fields = [Field("promoted", "$.value", sql_type)]
    raw = raw_frame(spark, [b'{"value":%s}' % text.encode() for text, _ in cases])

    events = raw.transform(compose(with_parsed_json(field_roots(fields)), with_fields(fields)))

    # As text: `collect` returns timestamps in the machine's time zone.
    shown = F.date_format("promoted", MICROS) if sql_type == "timestamp" else F.col("promoted")
    actual = in_order(events.withColumn("shown", shown), "shown")
    expected = [
        value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value
        for _, value in cases
    ]
    assert dict(events.dtypes)["promoted"] == sql_type
    assert [(text, value) for (text, _), (value,) in zip(cases, actual, strict=True)] == [
        (text, value) for (text, _), value in zip(cases, expected, strict=True)
    ]


def test_paths_reach_into_objects_and_arrays(spark: SparkSession) -> None:
    """An absent member and an invalid record give null."""
    fields = [
        Field("user_id", "$.user_id", "bigint"),
        Field("sku", "$.payload.items[0].sku", "string"),
        Field("second_price", "$.payload.items[1].price", "decimal(6,2)"),
        Field("app_version", "$.app-info.v2_name", "string"),
        Field("sent_at", "$.payload.sent", "timestamp"),
    ]
    records = [
        b'{"user_id":7,"payload":{"items":[{"sku":"a"},{"price":1.5}],"sent":1763800000}}',
        b'{"user_id":{"id":7},"payload":{"items":{"sku":"a"}},"app-info":{"v2_name":"7.1"}}',
        b'{"payload":[{"items":[]}],"app-info":"v2_name"}',
        b"{}",
        b"garbage",
    ]

    events = raw_frame(spark, records).transform(
        compose(with_parsed_json(field_roots(fields)), with_fields(fields))
    )
    actual = in_order(
        events.withColumn("sent_at", F.unix_seconds("sent_at")),
        *("user_id", "sku", "second_price", "app_version", "sent_at"),
    )

    assert actual == [
        (7, "a", Decimal("1.50"), None, 1763800000),
        (None, None, None, "7.1", None),
        (None, None, None, None, None),
        (None, None, None, None, None),
        (None, None, None, None, None),
    ]


def test_with_fields_adds_the_columns_of_its_fields_alone(spark: SparkSession) -> None:
    before = raw_frame(spark, [b"{}"]).transform(with_parsed_json(["a", "b"]))
    fields = [Field("a", "$.a", "timestamp"), Field("b", "$.b.c", "int")]

    assert before.transform(with_fields(fields)).columns == [*before.columns, "a", "b"]
    assert before.transform(with_fields([])).columns == before.columns


def test_field_roots_names_each_root_once() -> None:
    fields = [
        Field("a", "$.payload.a", "int"),
        Field("b", "$.payload.b[3].c", "int"),
        Field("c", "$.user", "int"),
    ]

    assert field_roots(fields) == ("payload", "user")
    assert field_roots([]) == ()


@pytest.mark.parametrize(
    ("name", "path", "sql_type", "message"),
    [
        ("UserId", "$.a", "int", "snake_case"),
        ("1a", "$.a", "int", "snake_case"),
        ("a b", "$.a", "int", "snake_case"),
        ("", "$.a", "int", "snake_case"),
        ("event_uuid", "$.a", "int", "a name that the tables do not have"),
        ("payload", "$.a", "int", "a name that the tables do not have"),
        ("reasons", "$.a", "int", "a name that the tables do not have"),
        ("data", "$.a", "int", "a name that the tables do not have"),
        ("json", "$.a", "int", "a name that the tables do not have"),
        ("needs_lookup", "$.a", "int", "a name that the tables do not have"),
        ("own_position", "$.a", "int", "a name that the tables do not have"),
        ("a", "a", "int", "a path like"),
        ("a", "$", "int", "a path like"),
        ("a", "$.", "int", "a path like"),
        ("a", "$[0]", "int", "a path like"),
        ("a", "$.a[*]", "int", "a path like"),
        ("a", "$.a[-1]", "int", "a path like"),
        ("a", "$.a..b", "int", "a path like"),
        ("a", "$.a.b ", "int", "a path like"),
        ("a", "$.a", "text", "one of"),
        ("a", "$.a", "decimal", "one of"),
        ("a", "$.a", "decimal(p,s)", "one of"),
        ("a", "$.a", "decimal(39,2)", "one of"),
        ("a", "$.a", "decimal(2,3)", "one of"),
    ],
)
def test_an_invalid_field_is_rejected(name: str, path: str, sql_type: str, message: str) -> None:
    """The error comes when the field is made, not with the first record."""
    with pytest.raises(InvalidSettingError, match=message):
        Field(name, path, sql_type)


def test_fields_of_one_name_and_a_frame_without_json_are_rejected(spark: SparkSession) -> None:
    with pytest.raises(InvalidSettingError, match="expected different names, got"):
        with_fields([Field("a", "$.a", "int"), Field("a", "$.b", "int")])
    with pytest.raises(MissingColumnsError, match="json"):
        spark.range(1).transform(with_fields([Field("a", "$.a", "int")]))
