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
from pyspark.sql.types import ArrayType, IntegerType, StringType, StructType, VariantType

from transforms.columns import CREATED_AT, DATA, EVENT_NAME, EVENT_UUID
from transforms.compose import Transform
from transforms.contract import InvalidSettingError, require
from transforms.variants import as_type, json_type, text_of

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
                    not_json       also: empty, null, nested deeper than 1000
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
    # The JSON object or nothing: what is not worth parsing is null from here on.
    readable = F.when(fits & F.is_valid_utf8(text), data)
    is_sound = F.coalesce(
        F.col("_marked").getField(_CORRUPT).isNull() & (F.col("_marked").getField(nonce) == 1),
        F.lit(False),
    )
    kept = F.struct(*(F.col("_marked").getField(member).alias(member) for member in members))
    is_whole, whole = _whole_value(F.col("_whole"), nonce)
    fault = (
        F.when(F.col("_is_sound"), F.lit(None))
        .when(~fits, "too_large")
        .when(~F.is_valid_utf8(text), "not_utf8")
        .when(is_whole & json_type(whole).startswith("OBJECT"), F.lit(None))  # an empty object
        .when(is_whole, "not_an_object")
        .when(_has_object_first(F.col("_first")), "trailing_data")
        .otherwise("not_json")
    )

    def apply(records: DataFrame) -> DataFrame:
        require(records, DATA, owner="parsed")
        # Each helper column is used more than once by the next step: as a column of its own it
        # is computed once.
        return (
            records.withColumn("_body", _without_trailing_whitespace(readable))
            .withColumn("_marked", _read_marked(F.col("_body"), members, nonce))
            .withColumn("_is_sound", is_sound)
            .withColumn("_rejected", F.when(~F.col("_is_sound"), F.col("_body").cast("string")))
            .withColumn("_whole", _read_whole(F.col("_rejected"), nonce))
            .withColumn("_first", _read_first(F.col("_rejected")))
            .withColumn(JSON, F.when(F.col("_is_sound"), kept))
            .withColumn(FAULT, fault)
            .withColumn(EVENT_UUID, text_of(F.col(JSON).getField(EVENT_UUID)))
            .withColumn(EVENT_NAME, text_of(F.col(JSON).getField(EVENT_NAME)))
            .drop("_body", "_marked", "_is_sound", "_rejected", "_whole", "_first")
        )

    return apply


def _without_trailing_whitespace(body: Column) -> Column:
    """`{"a":1}\\r\\n` -> `{"a":1}`. Trimming costs as much as parsing, so only where needed."""
    trimmed = F.rtrim(body.cast("string"), F.lit(_WHITESPACE)).cast("binary")
    return F.when(_ends_with_brace(body), body).otherwise(trimmed)


def _read_marked(body: Column, members: Sequence[str], nonce: str) -> Column:
    """The members of the record, and the nonce where nothing follows the root object."""
    all_but_last = F.substring(body, F.lit(1), F.octet_length(body) - 1)
    marked = F.concat(all_but_last, F.lit(f',"{nonce}":1}}'.encode()))
    schema = _with_corrupt(_variants(members).add(nonce, IntegerType()))
    return F.from_json(F.when(_ends_with_brace(body), marked).cast("string"), schema, _STRICT)


def _ends_with_brace(body: Column) -> Column:
    return F.substring(body, -1, 1) == F.lit(b"}")


def _read_whole(text: Column, nonce: str) -> Column:
    """The record as the first of two values in an array of our own."""
    framed = F.concat(F.lit(f'{{"{nonce}":['), text, F.lit(f',"{nonce}"]}}'))
    schema = _with_corrupt(StructType().add(nonce, ArrayType(VariantType())))
    return F.from_json(framed, schema, _STRICT)


def _whole_value(frame: Column, nonce: str) -> tuple[Column, Column]:
    """Whether the record is one sound JSON value, and that value."""
    values = frame.getField(nonce)
    is_whole = (
        frame.getField(_CORRUPT).isNull()
        & (F.size(values) == 2)
        & (as_type(F.get(values, F.lit(1)), "string") == nonce)
    )
    return is_whole, F.get(values, F.lit(0))


def _read_first(text: Column) -> Column:
    """The first value of the record, for what `from_json` ignores: anything behind it."""
    opens = F.ltrim(text, F.lit(_WHITESPACE)).startswith("{")
    return F.from_json(F.when(opens, text), _with_corrupt(StructType()), _STRICT)


def _has_object_first(first: Column) -> Column:
    return first.isNotNull() & first.getField(_CORRUPT).isNull()


def _variants(names: Sequence[str]) -> StructType:
    schema = StructType()
    for name in names:
        schema.add(name, VariantType())
    return schema


def _with_corrupt(schema: StructType) -> StructType:
    return schema.add(_CORRUPT, StringType())
