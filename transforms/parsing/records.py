"""Parse the bytes of a record as one JSON object, strictly. No record makes the query fail.

Spark's `from_json` ignores everything after the root object and replaces bytes that are not UTF-8.
Therefore the bytes are checked first, and a *nonce* marks the end of the root object:

    {"event_uuid":"e1","created_at":1}   ->   {"event_uuid":"e1","created_at":1,"<nonce>":1}

The last `}` is replaced. If the parsed root object has the nonce, that `}` was its end, and nothing
follows it. This holds for every valid object except the empty one. The few records that fail this
test are parsed twice more to find the reason.
"""

import uuid
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, IntegerType, StructField, StructType, VariantType

from transforms.columns import DATA, EVENT_NAME, EVENT_UUID, FAULT, JSON
from transforms.compose import Transform
from transforms.errors import InvalidSettingError, require
from transforms.parsing.json_paths import DEFAULT_PATHS, JsonPath, MemberPaths
from transforms.parsing.strict_json import (
    CORRUPT,
    WITHOUT_LIMITS,
    json_start,
    read_strictly,
    without_byte_order_mark,
)
from transforms.parsing.variants import as_type, json_type, text_of

# The largest record that Kinesis accepts. A VARIANT may have 16 MiB.
MAX_RECORD_BYTES = 10 * 1024 * 1024

_WHITESPACE = " \t\r\n"


def with_parsed_json(
    roots: Sequence[str] = (),
    max_record_bytes: int = MAX_RECORD_BYTES,
    nonce: str | None = None,
    paths: MemberPaths = DEFAULT_PATHS,
) -> Transform:
    """Parse `data` as one JSON object (RFC 8259, UTF-8). A byte order mark before it is ignored.

    Columns in:   data: binary
    Columns out:  + json: struct of variants: event_uuid, event_name, created_at, and each of
                    `roots` under the name of `root_member`; a member is null if the record lacks
                    it; null for an invalid record;
                  + event_uuid, event_name: string, null unless the member is a JSON string;
                  + fault: string, null for a valid record, else one of
                    too_large      more than `max_record_bytes`; not parsed
                    not_utf8
                    not_json       also: empty, null
                    unsupported_json  a valid object past a limit of the parser (`strict_json`),
                                   and since Spark 4.2 with half of a surrogate pair in a member of
                                   `json`
                    not_an_object  valid JSON, but an array, a text, a number, true, false, null
                    trailing_data  a valid object, followed by something else, such as another one
    Rows:         one out for each in

    If a key occurs twice, the last value is used. Inside of a member of `json` this requires
    `spark.sql.variant.allowDuplicateKeys=true`; without it the record is unsupported_json.

    Args:
        roots: further members of the root object that `json` contains.
        max_record_bytes: larger records are too_large.
        nonce: must not be known to producers; by default it is random.
        paths: where event_uuid, event_name and created_at are.

    Raises:
        InvalidSettingError: at once, if `roots` differ only in case, or `max_record_bytes` is
            less than 1.
        MissingColumnsError: when applied, if the frame lacks data.
    """
    identity = paths.by_column()
    members = tuple(dict.fromkeys((*(path.root for path in identity.values()), *roots)))
    if len({member.lower() for member in members}) < len(members):
        raise InvalidSettingError(
            "with_parsed_json(roots)", "keys that differ by more than case", members
        )
    if max_record_bytes < 1:
        raise InvalidSettingError(
            "with_parsed_json(max_record_bytes)", "at least 1", max_record_bytes
        )
    nonce = nonce or f"k{uuid.uuid4().hex}"

    data = F.col(DATA)
    text = data.cast("string")  # the same bytes, not a copy
    fits = F.octet_length(data) <= max_record_bytes
    is_readable = fits & F.is_valid_utf8(text)
    marked = F.col("_marked")
    is_valid = F.coalesce(
        marked.getField(CORRUPT).isNull() & (marked.getField(nonce) == 1), F.lit(False)
    )
    parsed = F.struct(
        *(member_at(marked, path).alias(name) for name, path in identity.items()),
        *(marked.getField(root).alias(root_member(root)) for root in dict.fromkeys(roots)),
    )
    # Parsed twice more. Records that are too large or not UTF-8 need no further test.
    rejected = F.when(~is_valid & is_readable, _trimmed(without_byte_order_mark(data)))
    is_whole, whole = _whole_value(F.col("_whole"), nonce)
    fault = (
        F.when(F.col(JSON).isNotNull(), F.lit(None))
        .when(~fits, "too_large")
        .when(~F.is_valid_utf8(text), "not_utf8")
        .when(is_whole & json_type(whole).startswith("OBJECT"), F.lit(None))  # an empty object
        .when(is_whole, "not_an_object")
        .when(_ends_after_root(F.col("_first"), nonce), "trailing_data")
        .when(_is_root(F.col("_first"), nonce), "unsupported_json")
        .otherwise("not_json")
    )

    def apply(records: DataFrame) -> DataFrame:
        require(records, DATA, owner="with_parsed_json")
        # Spark generates no code for `from_json` and for its argument. So the argument is computed
        # in the step before.
        return (
            records.withColumn("_marked", F.when(is_readable, _with_nonce(data, nonce)))
            .withColumn("_marked", read_strictly(F.col("_marked"), _marked_schema(members, nonce)))
            .withColumns(
                {
                    JSON: F.when(is_valid, parsed),
                    "_whole": _in_array(rejected, nonce),
                    "_first": F.when(
                        _opens_with_brace(rejected), F.coalesce(_with_nonce(data, nonce), rejected)
                    ),
                }
            )
            .withColumns(
                {
                    "_whole": read_strictly(F.col("_whole"), _array_schema(nonce)),
                    "_first": read_strictly(
                        F.col("_first"), _marked_schema((), nonce), WITHOUT_LIMITS
                    ),
                }
            )
            .withColumn(FAULT, fault)
            .withColumn(EVENT_UUID, text_of(F.col(JSON).getField(EVENT_UUID)))
            .withColumn(EVENT_NAME, text_of(F.col(JSON).getField(EVENT_NAME)))
            .drop("_marked", "_whole", "_first")
        )

    return apply


def root_member(root: str) -> str:
    """The name in `json` of a member of the root object: `user` -> `$.user`."""
    return f"$.{root}"


def member_at(parsed: Column, path: JsonPath) -> Column:
    """The value at `path` in a struct of the root's members: variant, null if it is absent."""
    root = parsed.getField(path.root)
    return root if path.below_root == "$" else F.try_variant_get(root, path.below_root, "variant")


def _with_nonce(data: Column, nonce: str) -> Column:
    """Return the record as text with the nonce before its last `}`; null if that is not its end."""
    # Trimming costs as much as parsing, so only records that need it are trimmed.
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
    """`body` without its last byte, and without a byte order mark."""
    start = json_start(body)
    return F.substring(body, start, F.octet_length(body) - start)


def _in_array(text: Column, nonce: str) -> Column:
    """Return an object whose only member is an array: the record, then the nonce."""
    return F.concat(F.lit(f'{{"{nonce}":['), text, F.lit(f',"{nonce}"]}}'))


def _array_schema(nonce: str) -> StructType:
    return StructType([StructField(nonce, ArrayType(VariantType()))])


def _whole_value(wrapper: Column, nonce: str) -> tuple[Column, Column]:
    """Return whether the record is one valid JSON value, and that value."""
    values = wrapper.getField(nonce)
    is_whole = (
        wrapper.getField(CORRUPT).isNull()
        & (F.size(values) == 2)
        & (as_type(F.get(values, F.lit(1)), "string") == nonce)
    )
    return is_whole, F.get(values, F.lit(0))


def _opens_with_brace(text: Column) -> Column:
    return F.ltrim(text, F.lit(_WHITESPACE)).startswith("{")


def _ends_after_root(first: Column, nonce: str) -> Column:
    """Return whether the record starts with a valid object that ends before the record does.

    `from_json` ignores everything after that object. If the object has the nonce, it is the whole
    record.
    """
    return _is_object(first) & first.getField(nonce).isNull()


def _is_root(first: Column, nonce: str) -> Column:
    """Return whether the record is a valid object, rejected for a limit or one of its members."""
    return _is_object(first) & (first.getField(nonce) == 1)


def _is_object(first: Column) -> Column:
    return first.isNotNull() & first.getField(CORRUPT).isNull()
