"""Read an event's identity from its bytes, for the audit alone.

The pipeline parses by the same rules (`transforms.parsing`). This parser shares no code with it, so
a mistake in one of them shows. It reads members as text and computes with decimals; the pipeline
distinguishes types.
"""

from dataclasses import dataclass
from uuid import uuid4

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StringType, VariantType

from jobs.audit.reference_values import iso_micros, keys_of, only_in_years, schema_of, value_at
from transforms.columns import CREATED_AT, EVENT_NAME, EVENT_UUID
from transforms.parsing import DEFAULT_PATHS, MemberPaths

# Microseconds below 10^17 have 17 digits before the point, and no unit needs 13 digits after it.
# Multiplied by 1,000,000, the number still fits into Spark's 38 digits without rounding.
_DECIMAL = "decimal(30,13)"
_NUMBER = r"^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\z"
_TOO_FINE = r"(\.\d{13})\d+$"
_ISO_WITH_OFFSET = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)\z"
_CORRUPT = "corrupt"
# By default, Spark also accepts 'a' and NaN.
STRICT = {
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "maxNumLen": "10000",
}
_UUID_SPELLING = r"(?i)^\s*(urn:uuid:)?[{(]?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}[)}]?\s*$"
_UUID_GROUPS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_BYTE_ORDER_MARK = "\ufeff"
# Random in each run of the program, so no producer can send it.
_MARK = f"mark_{uuid4().hex}"


@dataclass(frozen=True)
class ReferenceParser:
    """Reads the identity and the name of events.

    paths:          where the three members are
    canonical_uuid: all spellings of a UUID are one identity
    """

    paths: MemberPaths = DEFAULT_PATHS
    canonical_uuid: bool = False

    def read_event(self, data: Column) -> Column:
        """`{"event_uuid":"e1","created_at":1763800000}` -> a struct for `members`.

        `from_json` ignores whatever follows the root. So a random member is inserted before the
        last brace. Only if it is read as a member of the root, that brace ends the record.
        """
        data = event_text(data).cast("binary")
        ends_with_brace = F.substring(data, -1, 1) == F.lit(b"}")
        trimmed = F.rtrim(data.cast("string"), F.lit(" \t\r\n")).cast("binary")
        body = F.when(ends_with_brace, data).otherwise(trimmed)
        marked = F.concat(
            F.substring(body, F.lit(1), F.octet_length(body) - 1), F.lit(f',"{_MARK}":1}}'.encode())
        )
        schema = schema_of([*_keys(self.paths).values()], StringType())
        schema = schema.add(_MARK, IntegerType()).add(_CORRUPT, StringType())
        options = STRICT | {"columnNameOfCorruptRecord": _CORRUPT}
        return F.from_json(marked.cast("string"), schema, options)

    def members(self, event: Column, data: Column) -> dict[str, Column]:
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
        keys = _keys(self.paths)
        uuid = value_at(event, keys[EVENT_UUID])
        time = _read_time(value_at(event, keys[CREATED_AT]), data, keys[CREATED_AT])
        return {
            EVENT_UUID: F.when(is_whole, _canonical(uuid) if self.canonical_uuid else uuid),
            EVENT_NAME: F.when(is_whole, value_at(event, keys[EVENT_NAME])),
            CREATED_AT: F.when(is_whole, time),
        }


def event_text(data: Column) -> Column:
    """The text of a record, which `payload` must contain: without a byte order mark."""
    text = data.cast("string")
    return F.when(
        text.startswith(_BYTE_ORDER_MARK), text.substr(F.lit(2), F.length(text))
    ).otherwise(text)


def _keys(paths: MemberPaths) -> dict[str, list[str | int]]:
    return {name: keys_of(path.text) for name, path in paths.by_column().items()}


def _canonical(uuid: Column) -> Column:
    """The 32 hexadecimal digits of a UUID, divided by hyphens; any other text unchanged."""
    bare = F.lower(F.regexp_replace(uuid, r"(?i:^\s*urn:uuid:)|^\s+|\s+$|[{}()-]", ""))
    groups = [F.substring(bare, start, size) for start, size in _UUID_GROUPS]
    return F.when(uuid.rlike(_UUID_SPELLING), F.concat_ws("-", *groups)).otherwise(uuid)


def utc_date(time: Column) -> Column:
    """The UTC date of a timestamp, whatever the session's time zone."""
    return F.date_from_unix_date(F.floor(F.unix_seconds(time) / 86_400).cast("int"))


def _read_time(text: Column, data: Column, keys: list[str | int]) -> Column:
    """`1763800000`, `1763800000000`, `1.7638E9`, `2025-11-22T08:26:40Z` -> the same timestamp.

    Numbers are epoch seconds below 10^11, milliseconds below 10^14, microseconds below 10^17.
    Fractions of a microsecond are cut. A text of another form, or without offset, gives null.
    `transforms.parsing.timestamps` has the grammar of a text.
    """
    # `from_json` makes a double of a number with a fraction. A variant keeps its digits.
    read = F.from_json(event_text(data), schema_of([keys], VariantType()), STRICT)
    variant = value_at(read, keys)
    exact = F.try_variant_get(variant, "$", "string")
    # A text has the form of a number without an exponent.
    exact = F.when((F.schema_of_variant(variant) != "STRING") | ~exact.rlike("[eE]"), exact)
    # As the variable of a lambda it is computed once, not once for each use.
    of_any_number = F.transform(F.array(exact), _number_micros)[0]
    micros = F.coalesce(
        _plain_micros(text),
        F.when(text.rlike(_ISO_WITH_OFFSET), F.unix_micros(text.try_cast("timestamp"))),
        of_any_number,
        iso_micros(text),
    )
    return F.timestamp_micros(F.transform(F.array(micros), only_in_years)[0])


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
