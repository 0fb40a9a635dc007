"""Parse the bytes of a record: the JSON object, its values, and times."""

from transforms.parsing.records import MAX_RECORD_BYTES, with_parsed_json
from transforms.parsing.timestamps import (
    iso_text,
    utc_date,
    with_created_datetime,
    with_times,
    with_timestamp,
)
from transforms.parsing.variants import (
    as_type,
    is_absent,
    is_integer,
    is_number,
    is_text,
    json_type,
)

__all__ = [
    "MAX_RECORD_BYTES",
    "as_type",
    "is_absent",
    "is_integer",
    "is_number",
    "is_text",
    "iso_text",
    "json_type",
    "utc_date",
    "with_created_datetime",
    "with_parsed_json",
    "with_times",
    "with_timestamp",
]
