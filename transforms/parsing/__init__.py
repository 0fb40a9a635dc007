"""Parse the bytes of a record: the JSON object, its values, and times."""

from transforms.parsing.json_paths import DEFAULT_PATHS, JsonPath, MemberPaths
from transforms.parsing.records import MAX_RECORD_BYTES, root_member, with_parsed_json
from transforms.parsing.strict_json import (
    BYTE_ORDER_MARK,
    MAX_LEVELS,
    MAX_NUMBER_CHARS,
    without_byte_order_mark,
)
from transforms.parsing.timestamps import (
    iso_text,
    missing_part,
    utc_date,
    with_created_datetime,
    with_times,
    with_timestamp,
)
from transforms.parsing.uuids import with_canonical_uuid
from transforms.parsing.variants import (
    as_type,
    is_absent,
    is_integer,
    is_number,
    is_text,
    json_type,
)

__all__ = [
    "BYTE_ORDER_MARK",
    "DEFAULT_PATHS",
    "MAX_LEVELS",
    "MAX_NUMBER_CHARS",
    "MAX_RECORD_BYTES",
    "JsonPath",
    "MemberPaths",
    "as_type",
    "is_absent",
    "is_integer",
    "is_number",
    "is_text",
    "iso_text",
    "json_type",
    "missing_part",
    "root_member",
    "utc_date",
    "with_canonical_uuid",
    "with_created_datetime",
    "with_parsed_json",
    "with_times",
    "with_timestamp",
    "without_byte_order_mark",
]
