"""Read the bytes of a record as one JSON object: strictly, and without ever failing the query.

Spark's `from_json` ignores whatever follows the root object and replaces bytes that are not UTF-8.
So the bytes are checked first, and a *nonce* shows where the root object ends:

    {"event_uuid":"e1","created_at":1}   ->   {"event_uuid":"e1","created_at":1,"<nonce>":1}

The last `}` was replaced. If the parsed root object has the nonce, then that `}` was its end, and
nothing follows it. This holds for every sound object but the empty one. The few records that fail
here are parsed twice more to tell why.
"""

import uuid
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    IntegerType,
    StringType,
    StructField,
    StructType,
    VariantType,
)

from transforms.columns import CREATED_AT, DATA, EVENT_NAME, EVENT_UUID
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require
from transforms.parsing.variants import as_type, json_type, text_of

# Columns that only live between parsing and layout
JSON = "json"
FAULT = "fault"

# The largest record that Kinesis takes. A VARIANT may have 16 MiB.
MAX_RECORD_BYTES = 10 * 1024 * 1024

_CORRUPT = "_corrupt"
# RFC 8259 to the letter. `maxNestingDepth` stays at Jackson's 1000: more overflows the stack.
_STRICT = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": _CORRUPT,
    "allowComments": "false",
    "allowSingleQuotes": "false",
    "allowUnquotedFieldNames": "false",
    "allowUnquotedControlChars": "false",
    "allowNonNumericNumbers": "false",
    "allowNumericLeadingZeros": "false",
    "allowBackslashEscapingAnyCharacter": "false",
}
_WHITESPACE = " \t\r\n"


def parsed(
    roots: Sequence[str] = (),
    max_record_bytes: int = MAX_RECORD_BYTES,
    nonce: str | None = None,
) -> Transform:
    """Read `data` as one JSON object (RFC 8259, UTF-8 without byte order mark).

    Columns in:   data: binary
    Columns out:  + json: struct<event_uuid, event_name, created_at and each of `roots`: variant>,
                    a member is null where the record lacks it; null for a faulty record;
                  + event_uuid, event_name: string, null unless a JSON string;
                  + fault: string, null for a sound record, else one of
                    too_large      more than `max_record_bytes`; not looked at
                    not_utf8
                    not_json       also: empty, null, nested deeper than 1000, and from Spark 4.2
                                   on half of a surrogate pair in a member that is kept
                    not_an_object  sound JSON, but an array, a text, a number, true, false, null
                    trailing_data  a sound object with something behind it, such as a second one
    Rows:         one out for each in

    Of duplicate keys the last wins; inside of a kept member that needs
    `spark.sql.variant.allowDuplicateKeys=true` (without it the record is not_json).
    `nonce` must not be known to producers; by default each query draws its own.

    Raises:
        InvalidSettingError: at once, for roots that differ only in case or no room for a record.
        MissingColumnsError: when applied, if the frame lacks data.
    """
    members = tuple(dict.fromkeys((EVENT_UUID, EVENT_NAME, CREATED_AT, *roots)))
    if len({member.lower() for member in members}) < len(members):
        raise InvalidSettingError("parsed(roots)", "keys that differ by more than case", members)
    if max_record_bytes < 1:
        raise InvalidSettingError("parsed(max_record_bytes)", "at least 1", max_record_bytes)
    nonce = nonce or f"k{uuid.uuid4().hex}"

    data = F.col(DATA)
    text = data.cast("string")  # the same bytes, not a copy
    fits = F.octet_length(data) <= max_record_bytes
    is_readable = fits & F.is_valid_utf8(text)
    marked = F.col("_marked")
    is_sound = F.coalesce(
        marked.getField(_CORRUPT).isNull() & (marked.getField(nonce) == 1), F.lit(False)
    )
    kept = F.struct(*(marked.getField(member).alias(member) for member in members))
    # What is worth a second look: too large or no text is told without one.
    rejected = F.when(~is_sound & is_readable, _trimmed(text))
    is_whole, whole = _whole_value(F.col("_whole"), nonce)
    fault = (
        F.when(F.col(JSON).isNotNull(), F.lit(None))
        .when(~fits, "too_large")
        .when(~F.is_valid_utf8(text), "not_utf8")
        .when(is_whole & json_type(whole).startswith("OBJECT"), F.lit(None))  # an empty object
        .when(is_whole, "not_an_object")
        .when(_has_more_behind(F.col("_first"), nonce), "trailing_data")
        .otherwise("not_json")
    )

    def apply(records: DataFrame) -> DataFrame:
        require(records, DATA, owner="parsed")
        # Spark generates no code for `from_json`, nor for anything inside of its brackets: so what
        # it reads is made a step before.
        return (
            records.withColumn("_marked", F.when(is_readable, _with_nonce(data, nonce)))
            .withColumn("_marked", _read(F.col("_marked"), _marked_schema(members, nonce)))
            .withColumns(
                {
                    JSON: F.when(is_sound, kept),
                    "_whole": _in_array(rejected, nonce),
                    "_first": F.when(
                        _opens_with_brace(rejected), F.coalesce(_with_nonce(data, nonce), rejected)
                    ),
                }
            )
            .withColumns(
                {
                    "_whole": _read(F.col("_whole"), _array_schema(nonce)),
                    "_first": _read(F.col("_first"), _marked_schema((), nonce)),
                }
            )
            .withColumn(FAULT, fault)
            .withColumn(EVENT_UUID, text_of(F.col(JSON).getField(EVENT_UUID)))
            .withColumn(EVENT_NAME, text_of(F.col(JSON).getField(EVENT_NAME)))
            .drop("_marked", "_whole", "_first")
        )

    return apply


def _read(text: Column, schema: StructType) -> Column:
    """The members of `schema`, and the whole text in one more where it is no JSON object."""
    # Named twice, `text` stays a column of the step before; named once, Spark would put all that it
    # is made of into the brackets.
    named_twice = F.when(text.isNotNull(), text)
    with_corrupt = StructType([*schema, StructField(_CORRUPT, StringType())])
    return F.from_json(named_twice, with_corrupt, _STRICT)


def _with_nonce(data: Column, nonce: str) -> Column:
    """The record as text with the nonce in its last object; null where it does not end with one."""
    # Trimming costs as much as parsing, so only where needed.
    trimmed = _trimmed(data.cast("string")).cast("binary")
    all_but_last = F.when(_ends_with_brace(data), _all_but_last(data)).when(
        _ends_with_brace(trimmed), _all_but_last(trimmed)
    )
    return F.concat(all_but_last, F.lit(f',"{nonce}":1}}'.encode())).cast("string")


def _marked_schema(members: Sequence[str], nonce: str) -> StructType:
    variants = [StructField(member, VariantType()) for member in members]
    return StructType([*variants, StructField(nonce, IntegerType())])


def _trimmed(text: Column) -> Column:
    return F.rtrim(text, F.lit(_WHITESPACE))


def _ends_with_brace(body: Column) -> Column:
    return F.substring(body, -1, 1) == F.lit(b"}")


def _all_but_last(body: Column) -> Column:
    return F.substring(body, F.lit(1), F.octet_length(body) - 1)


def _in_array(text: Column, nonce: str) -> Column:
    """The record as the first of two values in an array of our own."""
    return F.concat(F.lit(f'{{"{nonce}":['), text, F.lit(f',"{nonce}"]}}'))


def _array_schema(nonce: str) -> StructType:
    return StructType([StructField(nonce, ArrayType(VariantType()))])


def _whole_value(frame: Column, nonce: str) -> tuple[Column, Column]:
    """Whether the record is one sound JSON value, and that value."""
    values = frame.getField(nonce)
    is_whole = (
        frame.getField(_CORRUPT).isNull()
        & (F.size(values) == 2)
        & (as_type(F.get(values, F.lit(1)), "string") == nonce)
    )
    return is_whole, F.get(values, F.lit(0))


def _opens_with_brace(text: Column) -> Column:
    return F.ltrim(text, F.lit(_WHITESPACE)).startswith("{")


def _has_more_behind(first: Column, nonce: str) -> Column:
    """Whether sound JSON stands at the record's start, and does not go on to its end: `from_json`
    ignores what is behind it. An object that has the nonce is whole; a member cannot be kept."""
    is_sound = first.isNotNull() & first.getField(_CORRUPT).isNull()
    return is_sound & first.getField(nonce).isNull()
