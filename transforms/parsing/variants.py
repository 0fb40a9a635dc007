"""Read JSON values of type VARIANT without converting them to another type.

`try_variant_get` alone converts 5 and `{}` to text, truncates 1.5 to 1 and reads true as 1. So the
type of the value in the JSON text is checked first. No function here fails a query.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F


def json_type(value: Column) -> Column:
    """The type of a value; null if the value is absent.

    `STRING`, `BIGINT`, `DECIMAL(p,s)`, `DOUBLE`, `BOOLEAN`, `VOID` (JSON null), `OBJECT<…>` or
    `ARRAY<…>`.
    """
    return F.schema_of_variant(value)


def is_text(value: Column) -> Column:
    """True for a JSON string; null if the value is absent."""
    return json_type(value) == "STRING"


def is_integer(value: Column) -> Column:
    """True for a JSON number without fraction and exponent that fits a bigint; null if absent."""
    return json_type(value) == "BIGINT"


def is_number(value: Column) -> Column:
    """True for every JSON number; null if the value is absent."""
    kind = json_type(value)
    return (kind == "BIGINT") | kind.startswith("DECIMAL") | (kind == "DOUBLE")


def is_absent(value: Column) -> Column:
    """True if the value is absent or is JSON null. Never null."""
    return value.isNull() | (json_type(value) == "VOID")


def as_type(value: Column, sql_type: str) -> Column:
    """The value cast to `sql_type`; null if the cast fails. Check the type first."""
    return F.try_variant_get(value, "$", sql_type)


def text_of(value: Column) -> Column:
    """`"abc"` -> `abc`. A value that is no JSON string gives null."""
    return F.when(is_text(value), as_type(value, "string"))
