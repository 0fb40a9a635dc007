"""Compare the derived and the promoted columns of an event with its payload.

| column                     | compared with                                                       |
|----------------------------|---------------------------------------------------------------------|
| created_datetime           | created_at                                                          |
| event_type, event_subtype  | event_name; either rule of `events.subtype` is sound                |
| each of the `[fields]`     | the member of the payload, read by its type                         |

created_at, event_name and event_date themselves are compared elsewhere (`misfiled`). `is_late` is
not compared: it depends on `once.window` as it was when the event was processed. Columns that the
settings do not name any more are not compared either, because their paths are unknown.

The pipeline derives these columns by the same rules (`transforms.enrichment`). This module shares
no code with it. It reads a promoted time as the reference parser reads created_at.
"""

import re
from collections.abc import Sequence
from functools import reduce
from operator import add, or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.audit.reference_parser import STRICT, ReferenceParser
from transforms.columns import (
    CREATED_AT,
    CREATED_DATETIME,
    EVENT_NAME,
    EVENT_SUBTYPE,
    EVENT_TYPE,
    PAYLOAD,
)
from transforms.enrichment import Field, field_roots

IS_MISDERIVED = "is_misderived"
OUTDATED = "outdated_values"

_PARSER = ReferenceParser()
_ROOTS = "payload_roots"
_DATE_CHARS = len("2025-11-22")
_DATETIME_CHARS = len("2025-11-22T08:26:40.250000Z")
_SCALE = re.compile(r"decimal\(\d+,\s*(\d+)\)")


def with_derivation(events: DataFrame, fields: Sequence[Field]) -> DataFrame:
    """Compare the derived and the promoted columns of each event with its payload.

    Columns in:   those of the events table; of `fields`, those that it has
    Columns out:  + is_misderived: boolean, true if a column has a value that does not follow from
                    the payload; outdated_values: int, the number of columns of `fields` that are
                    null although the payload has a value
    Rows:         one out for each in
    """
    present = [field for field in fields if field.name in events.columns]
    derived = ~_is_datetime_sound() | ~_are_parts_sound()
    if not present:
        return events.withColumns({IS_MISDERIVED: derived, OUTDATED: F.lit(0)})
    # Spark keeps a column that is used more than once in a step of its own.
    read = events.withColumn(_ROOTS, _read_roots(F.col(PAYLOAD), field_roots(present)))
    expected = {f"payload_{field.name}": _read_field(field, F.col(_ROOTS)) for field in present}
    pairs = [(F.col(field.name), F.col(f"payload_{field.name}")) for field in present]
    differs = (stored.isNotNull() & ~stored.eqNullSafe(value) for stored, value in pairs)
    lacks = ((stored.isNull() & value.isNotNull()).cast("int") for stored, value in pairs)
    return (
        read.withColumns(expected)
        .withColumns({IS_MISDERIVED: reduce(or_, differs, derived), OUTDATED: reduce(add, lacks)})
        .drop(_ROOTS, *expected)
    )


def _is_datetime_sound() -> Column:
    """`created_datetime` is `created_at` as text in UTC; true if there is no `created_at`."""
    text = F.col(CREATED_DATETIME)
    has_form = (F.length(text) == _DATETIME_CHARS) & text.endswith("Z")
    is_sound = has_form & (text.try_cast("timestamp") == F.col(CREATED_AT))
    return F.col(CREATED_AT).isNull() | F.coalesce(is_sound, F.lit(False))


def _are_parts_sound() -> Column:
    """The type and the subtype are parts of the name; true if there is no name."""
    name, subtype = F.col(EVENT_NAME), F.col(EVENT_SUBTYPE)
    colon = F.locate(":", name)
    after = F.when((colon > 0) & (colon < F.length(name)), F.substring(name, colon + 1, 2**31 - 1))
    is_subtype = subtype.eqNullSafe(after) | subtype.eqNullSafe(_part(after, 1))
    is_sound = (F.col(EVENT_TYPE) == _part(name, 1)) & is_subtype
    return name.isNull() | F.coalesce(is_sound, F.lit(False))


def _part(name: Column, number: int) -> Column:
    return F.split_part(name, F.lit(":"), F.lit(number))


def _read_roots(payload: Column, roots: Sequence[str]) -> Column:
    """The members `roots` of the payload: struct of variants."""
    schema = ", ".join(f"`{root}` variant" for root in roots)
    return F.from_json(payload, schema, STRICT)


def _read_field(field: Field, roots: Column) -> Column:
    """The value of `field`; null if the payload has none of its type."""
    value = F.try_variant_get(roots.getField(field.root), field.below_root, "variant")
    kind, text = F.schema_of_variant(value), F.try_variant_get(value, "$", "string")
    is_number = kind.rlike("^(BIGINT|DOUBLE|DECIMAL)")
    match field.type:
        case "string":
            return F.when(kind == "STRING", text)
        case "boolean":
            return F.when(kind == "BOOLEAN", text == "true")
        case "int" | "bigint":
            return F.when(kind == "BIGINT", text.try_cast(field.type))
        case "double":
            number = F.when(is_number, text.try_cast("double"))
            return F.when(~number.isin(float("inf"), float("-inf")), number)
        case "date":
            day = F.when(kind == "STRING", text.try_cast("date"))
            is_day = (F.length(text) == _DATE_CHARS) & (day.cast("string") == text)
            return F.when(is_day & ~text.startswith("0000"), day)
        case "timestamp":
            return _read_time(F.to_json(value))
        case sql_type:
            fraction = F.length(F.split_part(text, F.lit("."), F.lit(2)))
            is_exact = is_number & (kind != "DOUBLE") & (fraction <= _scale(sql_type))
            return F.when(is_exact, text.try_cast(sql_type))


def _read_time(json: Column) -> Column:
    """`1763800000`, `"2025-11-22T08:26:40Z"` -> a timestamp, in all forms of created_at."""
    event = F.concat(F.lit(f'{{"{CREATED_AT}":'), json, F.lit("}")).cast("binary")
    return _PARSER.members(_PARSER.read_event(event), event)[CREATED_AT]


def _scale(sql_type: str) -> int:
    """`decimal(10,2)` -> 2"""
    match = _SCALE.fullmatch(sql_type)
    assert match is not None  # checked by Field
    return int(match[1])
