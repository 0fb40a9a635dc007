"""Read a JSON value of VARIANT type without coercing it.

`try_variant_get` alone makes text of 5 and `{}`, truncates 1.5 to 1 and takes true for 1. So the
type that the value has in the JSON text is looked at first. None of these functions raises.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F


def json_type(value: Column) -> Column:
    """Type of a value: `STRING`, `BIGINT`, `DECIMAL(p,s)`, `DOUBLE`, `BOOLEAN`, `VOID` (JSON null),
    `OBJECT<…>` or `ARRAY<…>`. Null where the value is absent.
    """
    return F.schema_of_variant(value)


def is_text(value: Column) -> Column:
    """True for a JSON string; null where the value is absent."""
    return json_type(value) == "STRING"


def is_integer(value: Column) -> Column:
    """True for a JSON number without fraction and exponent that fits a bigint."""
    return json_type(value) == "BIGINT"


def is_number(value: Column) -> Column:
    """True for every JSON number."""
    kind = json_type(value)
    return (kind == "BIGINT") | kind.startswith("DECIMAL") | (kind == "DOUBLE")


def is_absent(value: Column) -> Column:
    """True where the value is not there or is JSON null. Never null."""
    return value.isNull() | (json_type(value) == "VOID")


def as_type(value: Column, sql_type: str) -> Column:
    """The value cast to `sql_type`; null where the cast fails. Look at the type before."""
    return F.try_variant_get(value, "$", sql_type)


def text_of(value: Column) -> Column:
    """`"abc"` -> `abc`. Anything but a JSON string gives null."""
    return F.when(is_text(value), as_type(value, "string"))
