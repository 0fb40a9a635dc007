"""Spark's JSON parser, as strict as RFC 8259.

The parser (Jackson) has limits that JSON does not have. A record past one of the first two is
`unsupported_json`.

| limit | value | reason |
|---|---|---|
| levels of nesting | 1,000 | Spark builds a VARIANT by recursion, and more overflow the stack |
| characters of a number | 10,000 | the time to convert one grows with the square of its digits |
| characters of a key | 50,000 | fixed in Jackson; such a record is `not_json` |
"""

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

MAX_LEVELS, MAX_NUMBER_CHARS = 1_000, 10_000
CORRUPT = "_corrupt"
STRICT = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": CORRUPT,
    "allowComments": "false",
    "allowSingleQuotes": "false",
    "allowUnquotedFieldNames": "false",
    "allowUnquotedControlChars": "false",
    "allowNonNumericNumbers": "false",
    "allowNumericLeadingZeros": "false",
    "allowBackslashEscapingAnyCharacter": "false",
    "maxNestingDepth": str(MAX_LEVELS),
    "maxNumLen": str(MAX_NUMBER_CHARS),
}
# For a schema without VARIANT: members that it does not name are skipped, neither by recursion nor
# converted.
WITHOUT_LIMITS = STRICT | dict.fromkeys(("maxNestingDepth", "maxNumLen"), str(2**31 - 1))

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_strictly(text: Column, schema: StructType, options: dict[str, str] = STRICT) -> Column:
    """Parse the members of `schema`. If `text` is no JSON object, `CORRUPT` contains all of it."""
    # Spark keeps a column that is used twice in the step before. It would copy the expression of a
    # column that is used once into the argument.
    used_twice = F.when(text.isNotNull(), text)
    with_corrupt = StructType([*schema, StructField(CORRUPT, StringType())])
    return F.from_json(used_twice, with_corrupt, options)


def json_start(data: Column) -> Column:
    """The index of the first byte of the JSON in `data` (binary): 4 after a byte order mark, or 1.

    RFC 8259, section 8.1, lets a parser ignore the mark. Spark's parser does not.
    """
    has_mark = F.substring(data, 1, len(BYTE_ORDER_MARK)) == F.lit(BYTE_ORDER_MARK)
    return F.when(has_mark, len(BYTE_ORDER_MARK) + 1).otherwise(1)


def without_byte_order_mark(data: Column) -> Column:
    """The text of `data` (binary) without a byte order mark."""
    start = json_start(data)
    text = F.when(start > 1, F.substring(data, start, F.octet_length(data))).otherwise(data)
    return text.cast("string")
