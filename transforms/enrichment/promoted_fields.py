"""Promote members of the payload to typed columns: `$.payload.user_id` -> `user_id bigint`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from transforms.columns import (
    EVENT_SCHEMA,
    FAULT,
    JSON,
    MAY_BE_PROCESSED,
    NEEDS_LOOKUP,
    QUARANTINE_SCHEMA,
    UNPACKING_FAULT,
)
from transforms.compose import Transform
from transforms.deduplication import OWN_POSITION
from transforms.errors import InvalidSettingError, require
from transforms.parsing import (
    JsonPath,
    as_type,
    is_integer,
    is_number,
    is_text,
    json_type,
    root_member,
    with_timestamp,
)

FIELD_TYPES = ("string", "boolean", "int", "bigint", "double", "decimal(p,s)", "date", "timestamp")

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_INTERNAL = frozenset({JSON, FAULT, UNPACKING_FAULT, NEEDS_LOOKUP, MAY_BE_PROCESSED, OWN_POSITION})
_RESERVED = _INTERNAL | set(re.findall(r"(\w+) \w+", f"{EVENT_SCHEMA},{QUARANTINE_SCHEMA}"))


@dataclass(frozen=True)
class Field:
    """A column of the events table that is read from the payload.

    name: name of the column, in snake_case; not a column that the tables already have.
    path: where the value is in the JSON, such as `$.user_id` or `$.payload.items[0].sku`.
    type: one of FIELD_TYPES.

    Raises:
        InvalidSettingError: the name, the path or the type is invalid.
    """

    name: str
    path: str
    type: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidSettingError("Field(name)", "a snake_case name", self.name)
        if self.name in _RESERVED:
            raise InvalidSettingError(
                "Field(name)", "a name that the tables do not have", self.name
            )
        JsonPath(self.path, f"Field({self.name}, path)")
        if not _is_type(self.type):
            expected = f"one of {list(FIELD_TYPES)}"
            raise InvalidSettingError(f"Field({self.name}, type)", expected, self.type)

    @property
    def root(self) -> str:
        """`$.payload.items[0].sku` -> `payload`"""
        return JsonPath(self.path).root

    @property
    def below_root(self) -> str:
        """`$.payload.items[0].sku` -> `$.items[0].sku`"""
        return JsonPath(self.path).below_root


def _is_type(sql_type: str) -> bool:
    decimal = _DECIMAL.fullmatch(sql_type)
    if decimal:
        precision, scale = int(decimal[1]), int(decimal[2])
        return 1 <= precision <= 38 and scale <= precision
    return sql_type in FIELD_TYPES and sql_type != "decimal(p,s)"


def field_roots(fields: Sequence[Field]) -> tuple[str, ...]:
    """The members of the root object that `fields` read, each once."""
    return tuple(dict.fromkeys(field.root for field in fields))


def with_fields(fields: Sequence[Field]) -> Transform:
    """Add a typed column for each field.

    A value of another type gives null and is never converted: no number from text or from true, no
    bigint from 1.5, no rounded decimal. The payload contains the original value.

    Columns in:   json: struct with the `field_roots` (see `with_parsed_json`)
    Columns out:  + one for each field, null if the value is absent or of another type
    Rows:         one out for each in

    Raises:
        InvalidSettingError: at once, if two fields have the same name.
        MissingColumnsError: when applied, if the frame lacks json.
    """
    names = [field.name for field in fields]
    if len(set(names)) < len(names):
        raise InvalidSettingError("with_fields", "different names", names)

    def apply(events: DataFrame) -> DataFrame:
        require(events, JSON, owner="with_fields")
        for field in fields:
            events = events.transform(_with_field(field))
        return events

    return apply


def _with_field(field: Field) -> Transform:
    root = F.col(JSON).getField(root_member(field.root))
    value = F.col("_value")
    with_value = (
        with_timestamp(field.name, value)
        if field.type == "timestamp"
        else lambda events: events.withColumn(field.name, read_as(field.type, value))
    )

    def apply(events: DataFrame) -> DataFrame:
        member = F.try_variant_get(root, field.below_root, "variant")
        return events.withColumn("_value", member).transform(with_value).drop("_value")

    return apply


def read_as(sql_type: str, value: Column) -> Column:
    """Read a JSON value (variant) as `sql_type`, not as a timestamp. Another type gives null."""
    if decimal := _DECIMAL.fullmatch(sql_type):
        return _exact_decimal(value, sql_type, scale=int(decimal[2]))
    read = as_type(value, sql_type)
    match sql_type:
        case "string":
            return F.when(is_text(value), read)
        case "boolean":
            return F.when(json_type(value) == "BOOLEAN", read)
        case "int" | "bigint":
            return F.when(is_integer(value), read)
        case "double":
            return F.when(is_number(value) & (F.abs(read) < float("inf")), read)
        case _:
            iso_date = as_type(value, "string").rlike(r"\A(?!0000)\d{4}-\d\d-\d\d\z")
            return F.when(is_text(value) & iso_date, read)


def _exact_decimal(value: Column, sql_type: str, scale: int) -> Column:
    """Read a number. The parser makes a double of one with an exponent, so that gives null."""
    text = as_type(value, "string")
    is_exact = (json_type(value) != "DOUBLE") & text.rlike(rf"\A-?\d+(?:\.\d{{0,{scale}}})?\z")
    return F.when(is_number(value) & is_exact, text.try_cast(sql_type))
