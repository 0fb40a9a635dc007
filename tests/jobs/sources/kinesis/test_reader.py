"""Ranges: they are read exactly as planned, or the task fails."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import aws_kinesis_agg.aggregator
import pyarrow as pa
import pytest

from jobs.errors import DataLossError
from jobs.sources.kinesis.client import Answer, ExpiredIteratorError
from jobs.sources.kinesis.get_records import Records
from jobs.sources.kinesis.model import StartingPoint
from jobs.sources.kinesis.offset import Range
from jobs.sources.kinesis.reader import RECORD_BATCH_SCHEMA, read
from tests.support.kinesis.scripted_client import END, QUIET, ScriptedClient, page
from transforms.columns import RECORD_SCHEMA


def batches(client: ScriptedClient, planned: Range) -> Iterator[pa.RecordBatch]:
    return read(client, planned)


def rows(client: ScriptedClient, planned: Range) -> Iterator[dict[str, Any]]:
    return (row for batch in batches(client, planned) for row in batch.to_pylist())


def numbers(client: ScriptedClient, first: int, last: int | None) -> list[int]:
    planned = Range("shard-0", str(first), None if last is None else str(last))
    return [int(row["sequence_number"]) for row in rows(client, planned)]


def test_a_record_is_one_row() -> None:
    """It has the columns of RECORD_SCHEMA."""
    assert list(rows(ScriptedClient([page(7)]), Range("shard-0", "7", "7"))) == [
        {
            "data": b"d7",
            "partition_key": "k",
            "shard_id": "shard-0",
            "sequence_number": "7",
            "sub_sequence_number": 0,
            "arrived_at": datetime(2025, 11, 23, 8, 53, 20, 123000, tzinfo=UTC),
        }
    ]


def test_the_columns_are_those_of_the_declared_schema() -> None:
    """In the same order, because Spark reads them by position."""
    types = {"binary": "binary", "string": "string", "bigint": "int64"}
    types["timestamp"] = "timestamp[us, tz=UTC]"
    declared = [column.split() for column in RECORD_SCHEMA.split(",")]
    assert [(field.name, str(field.type)) for field in RECORD_BATCH_SCHEMA] == [
        (name, types[type_name]) for name, type_name in declared
    ]


def test_aggregated_records_are_split() -> None:
    """Each user record is a row. Other records are unchanged."""
    aggregator = aws_kinesis_agg.aggregator.RecordAggregator()
    aggregator.add_user_record("a", b"one")
    aggregator.add_user_record("b", b"two")
    packed = aggregator.clear_and_get().get_contents()[2]
    broken = packed[:-1] + b"?"
    answer = page(5, 6, 7)
    answer.records.data[:] = [b"plain", packed, broken]
    split = rows(ScriptedClient([answer]), Range("shard-0", "5", "7"))
    columns = ("sequence_number", "sub_sequence_number", "partition_key", "data")
    assert [tuple(row[name] for name in columns) for row in split] == [
        ("5", 0, "k", b"plain"),
        ("6", 0, "a", b"one"),
        ("6", 1, "b", b"two"),
        ("7", 0, "k", broken),
    ]


def test_a_range_ends_with_its_last_record() -> None:
    """Within a page, at its end, and after pages without records."""
    assert numbers(ScriptedClient([page(5, 7, 9)]), 5, 7) == [5, 7]
    assert numbers(ScriptedClient([page(5, 7)]), 5, 7) == [5, 7]
    empty = Answer(Records(), "next", 9)
    answers = [empty, page(5), empty, empty, empty, empty, page(7, 9)]
    assert numbers(ScriptedClient(answers), 5, 7) == [5, 7]


def test_sequence_numbers_are_compared_as_numbers() -> None:
    assert numbers(ScriptedClient([page(9, 10, 100)]), 9, 100) == [9, 10, 100]


def test_a_closed_shard_is_read_to_its_null_iterator() -> None:
    assert numbers(ScriptedClient([page(5), page(7, next_iterator=None)]), 5, None) == [5, 7]
    assert numbers(ScriptedClient([page(5), QUIET, page(7), END]), 5, None) == [5, 7]


def test_three_quiet_answers_end_a_closed_shard_without_a_null_iterator() -> None:
    answers = [page(5), QUIET, QUIET, page(7), QUIET, QUIET, QUIET]
    assert numbers(ScriptedClient(answers), 5, None) == [5, 7]


def test_an_expired_iterator_is_replaced() -> None:
    """At the first record, or after the last one read. No record is read twice."""
    expired = ExpiredIteratorError()
    client = ScriptedClient([expired, page(5), expired, page(7)])
    assert numbers(client, 5, 7) == [5, 7]
    assert client.starts == [
        StartingPoint.at("5"),
        StartingPoint.at("5"),
        StartingPoint.after("5"),
    ]


@pytest.mark.parametrize(
    ("answers", "first", "last", "expected"),
    [
        ([page(6, 7)], 5, 7, "starts at 5, but the oldest record left is 6"),
        ([page(5, 8)], 5, 7, "expected 7, but after the start of the batch the stream returned 8"),
        ([page(5), page(8)], 5, 7, "expected 7, but after 5 the stream returned 8"),
        ([page(5), END], 5, 7, "expected 7, but after 5 the stream returned the shard's end"),
        ([page(5), QUIET, QUIET, QUIET], 5, 7, "after 5 the stream returned the shard's end"),
        (
            [END],
            5,
            None,
            "expected 5 and the records after it, but after the start of the batch the stream ret",
        ),
    ],
    ids=["first gone", "last skipped", "last gone", "ended", "quiet", "all gone"],
)
def test_an_incomplete_range_fails(
    answers: list[Answer], first: int, last: int | None, expected: str
) -> None:
    """The error names the shard, the expected record and the one found."""
    with pytest.raises(DataLossError) as error:
        numbers(ScriptedClient(answers), first, last)
    assert "shard shard-0: " in str(error.value)
    assert expected in str(error.value)


def test_the_rest_of_a_range_is_read_if_data_loss_is_allowed() -> None:
    client = ScriptedClient([page(6, 7, 9)], failOnDataLoss="false")
    with pytest.warns(UserWarning, match="but the oldest record left is 6"):
        assert numbers(client, 5, 7) == [6, 7]


def test_a_first_record_that_the_stream_rejects_fails() -> None:
    """The records that are left start at the trim horizon, with another record."""
    client = ScriptedClient([page(6, 7)])
    client.rejects_next_start = True
    with pytest.raises(DataLossError, match="starts at 5, but the oldest record left is 6"):
        numbers(client, 5, 7)
    assert client.starts[-1] == StartingPoint.trim_horizon()


def test_a_failure_of_the_prefetch_is_raised() -> None:
    """It is raised after the rows that were read before it."""
    client = ScriptedClient([page(5), RuntimeError("no answer")])
    read_batches = batches(client, Range("s", "5", "7"))
    assert next(read_batches).num_rows == 1
    with pytest.raises(RuntimeError, match="no answer"):
        next(read_batches)
