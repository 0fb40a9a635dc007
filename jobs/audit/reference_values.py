"""Read one value for the audit: at a path in JSON, and ISO 8601 in its rarer forms."""

import re
from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StructType

# The date, the time of day, its fraction and the offset of every other form, without separators
_DIGITS = r"^(\d{8})(\d\d)(\d\d)?(\d\d)?(?:[.](\d+))?(Z|[+-]\d\d(?:\d\d)?)\z"
# The forms themselves, with their separators
_FORMS = (
    r"^ *(?:\d{4}-\d\d-\d\d|\d{8})[Tt ]"
    r"(?:\d\d|\d\d:\d\d|\d\d:\d\d:\d\d(?:[.,]\d+)?|\d{4}|\d{6}(?:[.,]\d+)?) ?"
    r"(?:Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)(?:\[[^\[\]]+\])? *\z"
)
_DAY_SECONDS, _MAX_OFFSET_MINUTES = 86_400, 18 * 60
# The first and the last microsecond of the years 1 to 9999
_FIRST, _LAST = -62_135_596_800_000_000, 253_402_300_799_999_999

Keys = Sequence[str | int]


def keys_of(path: str) -> list[str | int]:
    """`$.detail.items[0]` -> ["detail", "items", 0]"""
    found = re.findall(r"\.([^.\[]+)|\[(\d+)\]", path)
    return [int(index) if index else key for key, index in found]


def schema_of(paths: Sequence[Keys], leaf: DataType) -> StructType:
    """The smallest schema of an object with a value of type `leaf` at each of `paths`."""
    tree: dict[str | int, Any] = {}
    for keys in paths:
        level = tree
        for key in keys:
            level = level.setdefault(key, {})
    schema = _type_of(tree, leaf)
    assert isinstance(schema, StructType)  # a path begins with a key
    return schema


def value_at(parsed: Column, keys: Keys) -> Column:
    """The value at a path in a struct of `schema_of`; null if it is absent."""
    for key in keys:
        parsed = F.get(parsed, F.lit(key)) if isinstance(key, int) else parsed.getField(key)
    return parsed


def _type_of(tree: dict[str | int, Any], leaf: DataType) -> DataType:
    if not tree:
        return leaf
    if all(isinstance(key, int) for key in tree):
        items = {key: below for each in tree.values() for key, below in each.items()}
        return ArrayType(_type_of(items, leaf))
    schema = StructType()
    for key, below in tree.items():
        schema = schema.add(str(key), _type_of(below, leaf))
    return schema


def iso_micros(text: Column) -> Column:
    """`2025-11-22 09:26 +01` -> 1763799960000000: the forms of ISO 8601 that the cast rejects."""
    plain = F.regexp_replace(F.upper(F.btrim(text)), r"\[[^\[\]]+\]$", "")
    plain = F.regexp_replace(plain, r" ?(?:UTC|GMT|Z)$", "Z")
    plain = F.regexp_replace(plain, r"(?<=\d)[T ](?=\d)", "")
    plain = F.regexp_replace(plain, r"(?<=\d),(?=\d)", ".")
    plain = F.regexp_replace(plain, r"(?<=\d) (?=[+-]\d)", "")
    plain = F.regexp_replace(plain, r"^(\d{4})-(\d\d)-(\d\d)", "$1$2$3")
    plain = F.regexp_replace(plain, r"(?<=\d):(?=\d)", "")

    def number(group: int) -> Column:
        return F.coalesce(F.regexp_extract(plain, _DIGITS, group).try_cast("bigint"), F.lit(0))

    date, offset = F.regexp_extract(plain, _DIGITS, 1), F.regexp_extract(plain, _DIGITS, 6)
    fraction = F.rpad(F.regexp_extract(plain, _DIGITS, 5), 6, "0").try_cast("bigint")
    midnight = F.try_to_timestamp(date, F.lit("yyyyMMdd"))
    of_day = number(2) * 3_600 + number(3) * 60 + number(4)
    micros = F.coalesce(fraction, F.lit(0))
    time = of_day + micros / 10**6
    is_time = (time < _DAY_SECONDS) | ((number(2) == 24) & (time == _DAY_SECONDS))
    sign = F.when(offset.startswith("-"), -1).otherwise(1)
    hours = F.coalesce(F.substring(offset, 2, 2).try_cast("bigint"), F.lit(0))
    minutes = F.coalesce(F.substring(offset, 4, 2).try_cast("bigint"), F.lit(0))
    offset_minutes = hours * 60 + minutes
    is_valid = (
        text.rlike(_FORMS)
        & plain.rlike(_DIGITS)
        & (number(3) < 60)
        & (number(4) < 60)
        & is_time
        & (minutes < 60)
        & (offset_minutes <= _MAX_OFFSET_MINUTES)
    )
    seconds = (
        F.unix_date(midnight.cast("date")).cast("bigint") * _DAY_SECONDS
        + of_day
        - sign * offset_minutes * 60
    )
    return F.when(is_valid, seconds * 1_000_000 + micros)


def only_in_years(micros: Column) -> Column:
    """Microseconds since 1970 within the years 1 to 9999; null for others."""
    return F.when(micros.between(_FIRST, _LAST), micros)
