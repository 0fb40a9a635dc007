"""Reading a range: exactly as planned, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import aws_kinesis_agg.aggregator
import pytest

from jobs.errors import DataLossError
from jobs.sources.kinesis.client import Answer, ExpiredIteratorError, RefusedStartError
from jobs.sources.kinesis.get_records import Records
from jobs.sources.kinesis.model import StartingPoint
from jobs.sources.kinesis.offset import Range
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.reader import RECORD_BATCH_SCHEMA, read
from transforms.columns import RECORD_SCHEMA

QUIET = Answer(Records(), "next", 0)
END = Answer(Records(), None, 0)


@dataclass
class ScriptedClient:
    """Gives the answers of a script, one a call; remembers where iterators started."""

    script: list[Answer | Exception]
    fail_on_data_loss: str = "true"
    refuses: bool = False
    starts: list[StartingPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answers = iter(self.script)
        self.options = KinesisOptions.parse(
            {
                "stream": "s",
                "failOnDataLoss": self.fail_on_data_loss,
                "retryTimeout": "0 seconds",
            }
        )

    def iterator(self, shard_id: str, start: StartingPoint) -> str:
        self.starts.append(start)
        if self.refuses:
            self.refuses = False
            raise RefusedStartError
        return "iterator"

    def records(self, shard_id: str, iterator: str, limit: int) -> Answer:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(*numbers: int, next_iterator: str | None = "next", behind_ms: int = 1) -> Answer:
    records = Records(
        [f"d{number}".encode() for number in numbers],
        ["k"] * len(numbers),
        [str(number) for number in numbers],
        [1_763_888_000_123_000] * len(numbers),
    )
    return Answer(records, next_iterator, behind_ms)


def numbers(client: ScriptedClient, first: int, last: int | None) -> list[int]:
    wanted = Range("shard-0", str(first), None if last is None else str(last))
    return [int(row["sequence_number"]) for row in rows(client, wanted)]


def rows(client: ScriptedClient, wanted: Range) -> Iterator[dict]:
    return (row for batch in read(client, wanted) for row in batch.to_pylist())


def test_the_rows_of_a_record():
    """One row a record, in the schema that Spark is told."""
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


def test_the_columns_are_those_that_spark_is_told():
    """In this order: Spark takes them by their place."""
    types = {"binary": "binary", "string": "string", "bigint": "int64"}
    types["timestamp"] = "timestamp[us, tz=UTC]"
    declared = [column.split() for column in RECORD_SCHEMA.split(",")]
    assert [(field.name, str(field.type)) for field in RECORD_BATCH_SCHEMA] == [
        (name, types[type_name]) for name, type_name in declared
    ]


def test_aggregated_records_are_taken_apart():
    """Each user record is a row; plain records between them stay as they are."""
    aggregator = aws_kinesis_agg.aggregator.RecordAggregator()
    aggregator.add_user_record("a", b"one")
    aggregator.add_user_record("b", b"two")
    packed = aggregator.clear_and_get().get_contents()[2]
    broken = packed[:-1] + b"?"
    answer = page(5, 6, 7)
    answer.records.data[:] = [b"plain", packed, broken]
    found = rows(ScriptedClient([answer]), Range("shard-0", "5", "7"))
    columns = ("sequence_number", "sub_sequence_number", "partition_key", "data")
    assert [tuple(row[name] for name in columns) for row in found] == [
        ("5", 0, "k", b"plain"),
        ("6", 0, "a", b"one"),
        ("6", 1, "b", b"two"),
        ("7", 0, "k", broken),
    ]


def test_a_range_ends_with_its_last_record():
    """Within a page, at its end, and after pages without records."""
    assert numbers(ScriptedClient([page(5, 7, 9)]), 5, 7) == [5, 7]
    assert numbers(ScriptedClient([page(5, 7)]), 5, 7) == [5, 7]
    behind = Answer(Records(), "next", 9)
    answers = [behind, page(5), behind, behind, behind, behind, page(7, 9)]
    assert numbers(ScriptedClient(answers), 5, 7) == [5, 7]


def test_numbers_are_compared_as_numbers():
    assert numbers(ScriptedClient([page(9, 10, 100)]), 9, 100) == [9, 10, 100]


def test_a_drained_shard_is_read_to_its_null_iterator():
    assert numbers(ScriptedClient([page(5), page(7, next_iterator=None)]), 5, None) == [5, 7]
    assert numbers(ScriptedClient([page(5), QUIET, page(7), END]), 5, None) == [5, 7]


def test_a_server_without_null_iterators_is_believed_after_three_quiet_answers():
    answers = [page(5), QUIET, QUIET, page(7), QUIET, QUIET, QUIET]
    assert numbers(ScriptedClient(answers), 5, None) == [5, 7]


def test_an_expired_iterator_is_replaced():
    """At the first record, or behind the last one read: none is read twice."""
    expired = ExpiredIteratorError()
    client = ScriptedClient([expired, page(5), expired, page(7)])
    assert numbers(client, 5, 7) == [5, 7]
    assert client.starts == [
        StartingPoint.at("5"),
        StartingPoint.at("5"),
        StartingPoint.after("5"),
    ]


@pytest.mark.parametrize(
    ("answers", "first", "last", "told"),
    [
        ([page(6, 7)], 5, 7, "starts at 5, the oldest record left is 6"),
        ([page(5, 8)], 5, 7, "wants 7, but behind its start the stream gave 8"),
        ([page(5), page(8)], 5, 7, "wants 7, but behind 5 the stream gave 8"),
        ([page(5), END], 5, 7, "wants 7, but behind 5 the stream gave the shard's end"),
        ([page(5), QUIET, QUIET, QUIET], 5, 7, "behind 5 the stream gave the shard's end"),
        ([END], 5, None, "wants 5 and what follows it, but behind its start the stream gave"),
    ],
    ids=["first gone", "last skipped", "last gone", "ended", "quiet", "all gone"],
)
def test_a_range_that_is_not_there_fails(answers, first, last, told):
    """The task fails with shard, wanted and found: it never reads less in silence."""
    with pytest.raises(DataLossError) as error:
        numbers(ScriptedClient(answers), first, last)
    assert "shard shard-0: " in str(error.value)
    assert told in str(error.value)


def test_what_is_left_of_a_range_is_read_if_told_so():
    client = ScriptedClient([page(6, 7, 9)], fail_on_data_loss="false")
    with pytest.warns(UserWarning, match="the oldest record left is 6"):
        assert numbers(client, 5, 7) == [6, 7]


def test_a_first_record_that_the_stream_refuses_fails():
    """What is left starts at the trim horizon, and does not start with it."""
    client = ScriptedClient([page(6, 7)], refuses=True)
    with pytest.raises(DataLossError, match="starts at 5, the oldest record left is 6"):
        numbers(client, 5, 7)
    assert client.starts[-1] == StartingPoint.trim_horizon()


def test_a_failure_while_fetching_ahead_is_raised():
    """After the rows that were there, so that Spark sees both."""
    found = read(ScriptedClient([page(5), RuntimeError("no answer")]), Range("s", "5", "7"))
    assert next(found).num_rows == 1
    with pytest.raises(RuntimeError, match="no answer"):
        next(found)
