"""Read an event's identity from its bytes, for the audit alone.

The pipeline has its own reading of the same rules (`transforms.parsing`). This one shares no code
with it, so that one mistake cannot hide itself: it takes the members as text and computes with
decimals, where the pipeline tells types apart.
"""

from uuid import uuid4

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.columns import CREATED_AT, EVENT_NAME, EVENT_UUID

# 17 digits before the point are all that microseconds below 10^17 have; 13 behind it are more than
# any unit needs, and a factor of 1,000,000 still fits into Spark's 38 digits without rounding.
_DECIMAL = "decimal(30,13)"
_NUMBER = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_TOO_FINE = r"(\.\d{13})\d+$"
_ISO_WITH_OFFSET = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$"
_CORRUPT = "corrupt"
# Spark's JSON is laxer by default: 'a' and NaN.
_STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
# Drawn anew for each run of the program.
_MARK = f"mark_{uuid4().hex}"


def read_event(data: Column) -> Column:
    """`{"event_uuid":"e1","created_at":1763800000}` -> a struct for `members`.

    `from_json` ignores whatever follows the root, so a member that no producer knows goes before
    the last brace: only where it is read as the root's own, that brace ended the record.
    """
    ends_with_brace = F.substring(data, -1, 1) == F.lit(b"}")
    trimmed = F.rtrim(data.cast("string"), F.lit(" \t\r\n")).cast("binary")
    body = F.when(ends_with_brace, data).otherwise(trimmed)
    marked = F.concat(
        F.substring(body, F.lit(1), F.octet_length(body) - 1), F.lit(f',"{_MARK}":1}}'.encode())
    )
    return F.from_json(
        marked.cast("string"),
        f"{EVENT_UUID} string, {EVENT_NAME} string, {CREATED_AT} string, "
        f"{_MARK} int, {_CORRUPT} string",
        _STRICT | {"columnNameOfCorruptRecord": _CORRUPT},
    )


def members(event: Column, data: Column) -> dict[str, Column]:
    """event_uuid, event_name: string and created_at: timestamp in what `read_event` gave.

    All null unless `data`, the bytes, are exactly one JSON object in UTF-8.
    """
    is_whole = (
        event.getField(_CORRUPT).isNull()
        & (event.getField(_MARK) == 1)
        & F.is_valid_utf8(data.cast("string"))
    )
    return {
        EVENT_UUID: F.when(is_whole, event.getField(EVENT_UUID)),
        EVENT_NAME: F.when(is_whole, event.getField(EVENT_NAME)),
        CREATED_AT: F.when(is_whole, _read_time(event.getField(CREATED_AT), data)),
    }


def utc_date(time: Column) -> Column:
    """The UTC date of a timestamp, whatever the session's time zone."""
    return F.date_from_unix_date(F.floor(F.unix_seconds(time) / 86_400).cast("int"))


def _read_time(text: Column, data: Column) -> Column:
    """`1763800000`, `1763800000000`, `1.7638E9`, `2025-11-22T08:26:40Z` -> the same timestamp.

    Numbers are epoch seconds below 10^11, milliseconds below 10^14, microseconds below 10^17, and
    what is finer than a microsecond is cut. A text of another form, or without offset, gives null.
    """
    # `from_json` takes a number with a fraction through a double to its text. A variant keeps it.
    again = F.from_json(data.cast("string"), f"{CREATED_AT} variant").getField(CREATED_AT)
    exact = F.try_variant_get(again, "$", "string")
    # Bound to a name, as it were: Spark would read it anew wherever it is mentioned.
    of_any_number = F.transform(F.array(exact), _number_micros)[0]
    return F.coalesce(
        F.timestamp_micros(_plain_micros(text)),
        F.when(text.rlike(_ISO_WITH_OFFSET), text.try_cast("timestamp")),
        F.timestamp_micros(of_any_number),
    )


def _plain_micros(text: Column) -> Column:
    """What nearly all producers write, a whole number of today's size, at a tenth of the cost.

    As many digits as characters: so the text has neither sign nor point nor space.
    """
    size, number = F.length(text), text.try_cast("bigint")
    return (
        F.when((size == 13) & (number >= 10**12), number * 1_000)
        .when((size == 10) & (number >= 10**9), number * 1_000_000)
        .when((size == 16) & (number >= 10**15), number)
    )


def _number_micros(text: Column) -> Column:
    cut = F.regexp_replace(text, _TOO_FINE, "$1")
    number = F.when(text.rlike(_NUMBER), cut.try_cast(_DECIMAL))
    size = F.abs(number)
    micros = (
        F.when(size < 10**11, number * F.lit(1_000_000))
        .when(size < 10**14, number * F.lit(1_000))
        .when(size < 10**17, number * F.lit(1))
    )
    return F.floor(micros).cast("bigint")
