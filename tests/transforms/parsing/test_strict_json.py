"""The helpers of the strict parser. Its strictness is tested by the corpus in test_records.py."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from tests.support.frames import in_order, raw_frame
from transforms.parsing.strict_json import (
    CORRUPT,
    STRICT,
    WITHOUT_LIMITS,
    read_strictly,
    without_byte_order_mark,
)

MARK = b"\xef\xbb\xbf"


def test_one_byte_order_mark_at_the_beginning_is_left_out(spark: SparkSession) -> None:
    """Parsers of SQL engines reject a payload that begins with one."""
    records = [b"{}", MARK + b"{}", MARK, MARK + MARK + b"{}", b" " + MARK, b"", None]

    actual = in_order(raw_frame(spark, records), without_byte_order_mark(F.col("data")))

    assert actual == [("{}",), ("{}",), ("",), ("\ufeff{}",), (" \ufeff",), ("",), (None,)]


@pytest.mark.parametrize(
    ("options", "read"), [(STRICT, [1, None, None, None]), (WITHOUT_LIMITS, [1, 1, 1, None])]
)
def test_limits_hold_for_what_is_skipped_as_well(
    spark: SparkSession, options: dict[str, str], read: list[int | None]
) -> None:
    """Without limits, depth and long numbers cost no recursion and no conversion."""
    skipped = ["[]", "[" * 1_500 + "]" * 1_500, "1" * 1_000_000, "[1}"]
    records = [f'{{"x":{value},"n":1}}'.encode() for value in skipped]
    schema = StructType([StructField("n", IntegerType())])

    frame = raw_frame(spark, records).withColumn("text", F.col("data").cast("string"))
    parsed = frame.withColumn("parsed", read_strictly(F.col("text"), schema, options))

    actual = in_order(parsed, F.col("parsed")["n"], F.col("parsed")[CORRUPT].isNull())
    assert actual == [(n, n is not None) for n in read]
