"""Read an event's identity from its bytes, for the audit alone.

The pipeline parses by the same rules (`transforms.parsing`). This parser shares no code with it, so
a mistake in one of them shows. It reads members as text and computes with decimals; the pipeline
distinguishes types.
"""

from uuid import uuid4

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.columns import CREATED_AT, EVENT_NAME, EVENT_UUID

# Microseconds below 10^17 have 17 digits before the point, and no unit needs 13 digits after it.
# Multiplied by 1,000,000, the number still fits into Spark's 38 digits without rounding.
_DECIMAL = "decimal(30,13)"
_NUMBER = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_TOO_FINE = r"(\.\d{13})\d+$"
_ISO_WITH_OFFSET = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$"
# The date, the time of day, its fraction and the offset of every other form, without separators
_DIGITS = r"^(\d{8})(\d\d)(\d\d)?(\d\d)?(?:[.](\d+))?(Z|[+-]\d\d(?:\d\d)?)$"
_CORRUPT = "corrupt"
# By default, Spark also accepts 'a' and NaN.
_STRICT = {
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "maxNumLen": "10000",
}
_BYTE_ORDER_MARK = "\ufeff"
# Random in each run of the program, so no producer can send it.
_MARK = f"mark_{uuid4().hex}"


def read_event(data: Column) -> Column:
    """`{"event_uuid":"e1","created_at":1763800000}` -> a struct for `members`.

    `from_json` ignores whatever follows the root. So a random member is inserted before the last
    brace. Only if it is read as a member of the root, that brace ends the record.
    """
    data = event_text(data).cast("binary")
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


def event_text(data: Column) -> Column:
    """The text of a record, which `payload` must contain: without a byte order mark."""
    text = data.cast("string")
    return F.when(
        text.startswith(_BYTE_ORDER_MARK), text.substr(F.lit(2), F.length(text))
    ).otherwise(text)


def members(event: Column, data: Column) -> dict[str, Column]:
    """The members event_uuid, event_name: string and created_at: timestamp (UTC) of `event`.

    All are null unless `data` is exactly one JSON object in UTF-8.

    Args:
        event: the struct that `read_event` returns for `data`.
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

    Numbers are epoch seconds below 10^11, milliseconds below 10^14, microseconds below 10^17.
    Fractions of a microsecond are cut. A text of another form, or without offset, gives null.
    `transforms.parsing.timestamps` has the grammar of a text.
    """
    # `from_json` makes a double of a number with a fraction. A variant keeps its digits.
    read = F.from_json(event_text(data), f"{CREATED_AT} variant", _STRICT)
    variant = read.getField(CREATED_AT)
    exact = F.try_variant_get(variant, "$", "string")
    # As the variable of a lambda it is computed once, not once for each use.
    of_any_number = F.transform(F.array(exact), _number_micros)[0]
    return F.coalesce(
        F.timestamp_micros(_plain_micros(text)),
        F.when(text.rlike(_ISO_WITH_OFFSET), text.try_cast("timestamp")),
        F.timestamp_micros(of_any_number),
        F.timestamp_micros(_digits_micros(text)),
    )


def _plain_micros(text: Column) -> Column:
    """`1763800000000` -> 1763800000000000: the usual numbers, at a tenth of the cost.

    A number with as many digits as the text has characters has no sign, no point and no space.
    """
    size, number = F.length(text), text.try_cast("bigint")
    return (
        F.when((size == 13) & (number >= 10**12), number * 1_000)
        .when((size == 10) & (number >= 10**9), number * 1_000_000)
        .when((size == 16) & (number >= 10**15), number)
    )


def _number_micros(text: Column) -> Column:
    """`1.7638E9` -> 1763800000000000: every JSON number."""
    cut = F.regexp_replace(text, _TOO_FINE, "$1")
    number = F.when(text.rlike(_NUMBER), cut.try_cast(_DECIMAL))
    size = F.abs(number)
    micros = (
        F.when(size < 10**11, number * F.lit(1_000_000))
        .when(size < 10**14, number * F.lit(1_000))
        .when(size < 10**17, number * F.lit(1))
    )
    return F.floor(micros).cast("bigint")


def _digits_micros(text: Column) -> Column:
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
    seconds = (
        F.unix_date(midnight.cast("date")).cast("bigint") * 86_400
        + number(2) * 3_600
        + number(3) * 60
        + number(4)
    )
    sign = F.when(offset.startswith("-"), -1).otherwise(1)
    offset_hours = F.substring(offset, 2, 2).try_cast("bigint")
    offset_minutes = F.coalesce(F.substring(offset, 4, 2).try_cast("bigint"), F.lit(0))
    east = F.when(offset == "Z", 0).otherwise(sign * (offset_hours * 60 + offset_minutes)) * 60
    return F.when(
        plain.rlike(_DIGITS), (seconds - east) * 1_000_000 + F.coalesce(fraction, F.lit(0))
    )
