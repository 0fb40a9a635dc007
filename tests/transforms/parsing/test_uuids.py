"""All spellings of a UUID have one form, and nothing else is changed."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from transforms.errors import MissingColumnsError
from transforms.parsing.uuids import with_canonical_uuid

UUID = "5f0c9a52-0b1e-4c3d-8e2f-a1b2c3d4e5f6"


def test_every_spelling_gets_the_canonical_form(spark: SparkSession) -> None:
    """Those of Java, .NET, Microsoft, URNs and databases, with blanks around them."""
    spelled = [
        (UUID, UUID),
        (UUID.upper(), UUID),
        (f"{{{UUID}}}", UUID),
        (f"({UUID})", UUID),
        (f"urn:uuid:{UUID}", UUID),
        (f" URN:UUID:{UUID.upper()}\t", UUID),
        (UUID.replace("-", ""), UUID),
        (f"{UUID}0", f"{UUID}0"),
        (UUID[1:], UUID[1:]),
        (f"x{UUID}", f"x{UUID}"),
        (" order 7 ", " order 7 "),
        ("A", "A"),
        ("", ""),
        (None, None),
    ]
    events = spark.createDataFrame([(given,) for given, _ in spelled], "event_uuid string")

    actual = events.transform(with_canonical_uuid)

    expected = spark.createDataFrame([(each,) for _, each in spelled], "event_uuid string")
    assert_df_equality(actual, expected)


def test_a_frame_without_event_uuid_is_rejected(spark: SparkSession) -> None:
    with pytest.raises(MissingColumnsError, match="with_canonical_uuid needs"):
        spark.range(1).transform(with_canonical_uuid)
