"""JSON values are read by the type that they have in the JSON text, and are never converted."""

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from transforms.parsing.variants import (
    as_type,
    is_absent,
    is_integer,
    is_number,
    is_text,
    json_type,
    text_of,
)

# JSON text, its type, and whether it is text, an integer, a number; then whether it is absent
VALUES = [
    ('"abc"', "STRING", True, False, False, False),
    ('""', "STRING", True, False, False, False),
    ('"5"', "STRING", True, False, False, False),
    ("5", "BIGINT", False, True, True, False),
    ("-9223372036854775808", "BIGINT", False, True, True, False),
    ("9223372036854775808", "DECIMAL(19,0)", False, False, True, False),
    ("1.50", "DECIMAL(2,1)", False, False, True, False),
    ("1e3", "DOUBLE", False, False, True, False),
    ("true", "BOOLEAN", False, False, False, False),
    ("null", "VOID", False, False, False, True),
    ('{"a":1}', "OBJECT<a: BIGINT>", False, False, False, False),
    ("[1]", "ARRAY<BIGINT>", False, False, False, False),
]


def _read(
    spark: SparkSession, texts: list[str | None], *columns: Column
) -> list[tuple[object, ...]]:
    """The `columns` of each text, which has the column `value` as a variant."""
    rows = spark.createDataFrame([(text,) for text in texts], "text string").coalesce(1)
    values = rows.withColumn("value", F.parse_json("text"))
    return [tuple(row) for row in values.select("text", *columns).collect()]


def test_each_value_has_its_json_type(spark: SparkSession) -> None:
    """Text of digits is no number, and a number with a fraction is no integer."""
    value = F.col("value")
    checks = (json_type(value), is_text(value), is_integer(value), is_number(value))

    actual = _read(spark, [text for text, *_ in VALUES], *checks, is_absent(value))

    assert actual == VALUES


def test_an_absent_value_has_no_type(spark: SparkSession) -> None:
    """`is_absent` alone is never null."""
    value = F.col("value")
    checks = (json_type(value), is_text(value), is_integer(value), is_number(value))

    actual = _read(spark, [None], *checks, is_absent(value))

    assert actual == [(None, None, None, None, None, True)]


def test_only_text_is_read_as_text(spark: SparkSession) -> None:
    """`as_type` converts, so its callers check the type first, as `text_of` does."""
    value = F.col("value")

    actual = _read(spark, ['"abc"', "5", "{}", "null"], text_of(value), as_type(value, "string"))

    assert actual == [
        ('"abc"', "abc", "abc"),
        ("5", None, "5"),
        ("{}", None, "{}"),
        ("null", None, None),
    ]


def test_a_cast_that_fails_gives_null(spark: SparkSession) -> None:
    """No value makes the query fail."""
    value = F.col("value")

    actual = _read(spark, ['"abc"', "[1]", "1e400", "7"], as_type(value, "bigint"))

    assert actual == [('"abc"', None), ("[1]", None), ("1e400", None), ("7", 7)]
