"""Describe in words what a check expected and what it found: the column `detail`."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.columns import (
    ARRIVED_AT,
    CREATED_AT,
    DATA,
    EVENT_NAME,
    EVENT_UUID,
    FAULT,
    INGESTED_AT,
    JSON,
)
from transforms.parsing import (
    MAX_LEVELS,
    MAX_NUMBER_CHARS,
    as_type,
    iso_text,
    json_type,
    missing_part,
)
from transforms.validation.folders import MAX_FOLDER_BYTES, folder_bytes
from transforms.validation.limits import CheckLimits

MAX_UUID_CHARS = 256

_EPOCH_OR_ISO = (
    "epoch seconds, milliseconds or microseconds, or ISO 8601 with date, time and offset"
)


def fault_detail(limits: CheckLimits) -> Column:
    """What is wrong with the record as a whole; null if it has no fault."""
    data, fault = F.col(DATA), F.col(FAULT)
    text = data.cast("string")
    return (
        F.when(fault.isNull(), None)
        .when(
            fault == "too_large",
            F.concat(
                F.lit(f"expected at most {limits.max_record_bytes} bytes, got "),
                F.octet_length(data).cast("string"),
            ),
        )
        .when(
            fault == "not_utf8",
            F.concat(F.lit("expected UTF-8, got bytes "), F.hex(F.substring(data, 1, 16))),
        )
        .when(
            fault == "unsupported_json",
            f"expected at most {MAX_LEVELS} levels of nesting and {MAX_NUMBER_CHARS} characters "
            "of a number, and whole surrogate pairs in the members that are read",
        )
        .when(fault == "not_compressed", "expected a record that is compressed, and whole")
        .when(fault == "not_in_envelope", "expected the envelope that source.format.envelope names")
        .when(fault == "no_event", "expected an event, got a record or an envelope without one")
        .when(
            fault == "trailing_data",
            F.concat(
                F.lit("expected one JSON object, got more, which ends in "),
                F.right(text, F.lit(60)),
            ),
        )
        .when(
            F.coalesce(F.octet_length(data), F.lit(0)) == 0, "expected a JSON object, got no data"
        )
        .otherwise(F.concat(F.lit("expected a JSON object, got "), F.left(text, F.lit(60))))
    )


def member_details(limits: CheckLimits, *reasons: Column) -> list[Column]:
    """What is wrong with event_uuid, event_name and created_at, in the order of their `reasons`."""
    uuid, name, time = reasons
    name_bytes = folder_bytes(F.col(EVENT_NAME))
    expected_name = F.when(
        name_bytes > MAX_FOLDER_BYTES,
        F.concat(
            F.lit(f"a name whose folder has at most {MAX_FOLDER_BYTES} bytes, not "),
            name_bytes.cast("string"),
        ),
    ).otherwise(f"a name like {limits.event_name_pattern}")
    text = as_type(F.col(JSON).getField(CREATED_AT), "string")
    epoch_or_iso = F.concat(
        F.lit(_EPOCH_OR_ISO),
        F.coalesce(F.concat(F.lit(" (this has "), missing_part(text), F.lit(")")), F.lit("")),
    )
    expected_time = (
        F.when(
            time == "created_at_too_old", f"a time from {limits.created_at_floor.isoformat()} on"
        )
        .when(
            time == "created_at_in_future",
            F.concat(
                F.lit(
                    f"at most {limits.max_future.total_seconds():g} seconds after the arrival at "
                ),
                iso_text(F.coalesce(ARRIVED_AT, INGESTED_AT)),
            ),
        )
        .otherwise(epoch_or_iso)
    )
    return [
        _detail(uuid, EVENT_UUID, F.lit(f"1 to {MAX_UUID_CHARS} printable characters")),
        _detail(name, EVENT_NAME, expected_name),
        _detail(time, CREATED_AT, expected_time),
    ]


def _detail(reason: Column, member: str, expected: Column) -> Column:
    value = F.col(JSON).getField(member)
    kind = F.lower(F.substring_index(json_type(value), "<", 1))
    found = F.concat_ws(" ", kind, F.left(as_type(value, "string"), F.lit(40)))
    found_or_nothing = F.when(value.isNull(), "nothing").otherwise(found)
    detail = F.concat(F.lit(f"{member}: expected "), expected, F.lit(", got "), found_or_nothing)
    return F.when(reason.isNotNull(), detail)
