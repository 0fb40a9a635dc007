"""Each event of a record has a row of its own, with the columns of its record."""

import gzip

import pytest
from pyspark.sql import SparkSession

from tests.support.frames import raw_frame
from transforms.errors import MissingColumnsError
from transforms.unpacking.record_format import PLAIN, RecordFormat
from transforms.unpacking.unpack import (
    with_record_index,
    with_unpacked_events,
    with_unpacking_faults,
)


def test_a_record_has_a_row_for_each_event(spark: SparkSession) -> None:
    """What cannot be taken apart stays one row, with its bytes and the reason."""
    empty = gzip.compress(b"")
    lines = gzip.compress(b'{"a":1}\n{"a":2}\n')
    raw = raw_frame(spark, [lines, b"plain", None, empty])

    rows = raw.transform(with_unpacked_events(RecordFormat("gzip", "lines"))).collect()

    columns = ("sequence_number", "record_index", "data", "unpacking_fault", "partition_key")
    assert sorted(tuple(row[name] for name in columns) for row in rows) == [
        ("0", 0, b'{"a":1}', None, "key"),
        ("0", 1, b'{"a":2}', None, "key"),
        ("1", -1, b"plain", "not_compressed", "key"),
        ("2", -1, b"", "not_compressed", "key"),
        ("3", -1, empty, "no_event", "key"),
    ]
    assert rows[0]["ingested_at"] is not None


def test_an_event_that_was_taken_out_before_stays_one_row(spark: SparkSession) -> None:
    """A replayed event is its own record."""
    raw = raw_frame(spark, [b'{"a":1}']).replace(-1, 5, ["record_index"])

    [row] = raw.transform(with_unpacked_events(RecordFormat("gzip", "lines"))).collect()

    assert (row["record_index"], bytes(row["data"])) == (5, b'{"a":1}')


def test_a_plain_record_is_its_event(spark: SparkSession) -> None:
    """Nothing is done, and Python is not started."""
    raw = raw_frame(spark, [b"[1]", None])

    unpacked = raw.transform(with_unpacked_events(PLAIN))

    assert unpacked.drop("unpacking_fault").collect() == raw.collect()
    assert {row["unpacking_fault"] for row in unpacked.collect()} == {None}


def test_rows_of_earlier_versions_are_whole_records(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, None), (2, 3)], "n int, record_index int")

    assert rows.transform(with_record_index).collect() == [(1, -1), (2, 3)]
    assert rows.drop("record_index").transform(with_record_index).collect() == [(1, -1), (2, -1)]


def test_the_fault_of_the_unpacking_comes_first(spark: SparkSession) -> None:
    """The parser may find another one, or none, in the bytes that could not be taken apart."""
    faults = [("not_compressed", "not_json"), (None, "not_json"), ("no_event", None), (None, None)]
    rows = spark.createDataFrame(faults, "unpacking_fault string, fault string")

    parsed = rows.transform(with_unpacking_faults)

    assert parsed.columns == ["fault"]
    assert [row[0] for row in parsed.collect()] == ["not_compressed", "not_json", "no_event", None]


def test_a_frame_without_its_columns_is_rejected(spark: SparkSession) -> None:
    for transform in (with_unpacked_events(), with_unpacking_faults):
        with pytest.raises(MissingColumnsError, match="needs column"):
            spark.range(1).transform(transform)
