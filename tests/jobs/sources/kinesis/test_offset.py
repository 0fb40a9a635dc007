"""The offset's text in the checkpoint: it outlives releases, so the tests spell it out."""

import json

import pytest

from jobs.errors import SourceError
from jobs.sources.kinesis.offset import Gap, Offset, Position, Range, State, ranges

OFFSET = Offset(
    as_of_ms=5_000,
    shards={
        "shard-1": Position(State.DRAINED, first="7", since_ms=5_000),
        "shard-0": Position(State.AFTER, "12", "11", None, 4_000, 4_000, 900),
        "shard-2": Position(State.TRIM_HORIZON, since_ms=5_000),
    },
    gaps={"shard-0": Gap("3", 60_000)},
    gap_count=2,
)
TEXT = (
    '{"as_of_ms": 5000, "gap_count": 2, "gaps": {"shard-0": {"after": "3", "age_ms": 60000}}, '
    '"shards": {"shard-0": {"arrived_ms": 4000, "behind_ms": 900, "first": "11", '
    '"sequence_number": "12", "since_ms": 4000, "state": "AFTER"}, '
    '"shard-1": {"first": "7", "since_ms": 5000, "state": "DRAINED"}, '
    '"shard-2": {"since_ms": 5000, "state": "TRIM_HORIZON"}}, "version": 1}'
)
INITIAL = Offset(5_000, initial=Position(State.AT_TIMESTAMP, at_ms=4_000, since_ms=5_000))
INITIAL_TEXT = (
    '{"as_of_ms": 5000, "initial": {"at_ms": 4000, "since_ms": 5000, "state": "AT_TIMESTAMP"}, '
    '"shards": {}, "version": 1}'
)


@pytest.mark.parametrize(("offset", "text"), [(OFFSET, TEXT), (INITIAL, INITIAL_TEXT)])
def test_an_offset_is_written_and_read(offset, text):
    assert json.dumps(offset.to_json()) == text
    read = Offset.from_json(json.loads(text))
    assert json.dumps(read.to_json()) == text
    assert read == Offset.from_json(offset.to_json())


def test_an_offset_of_another_version_is_refused():
    """Better than to read it wrong, and lose records."""
    with pytest.raises(SourceError, match="of version 2, but this source reads version 1"):
        Offset.from_json({"version": 2, "shards": {}, "as_of_ms": 1})


def test_the_lag_is_that_of_the_shard_furthest_behind():
    assert OFFSET.behind_ms == 900
    assert INITIAL.behind_ms == 0


def test_a_batch_reads_the_shards_that_moved():
    """From the first to the last record that the end names, whatever the start says of them."""
    start = Offset(
        1_000,
        shards={
            "shard-0": Position(State.AFTER, "5", first="2"),
            "shard-1": Position(State.AFTER, "6", first="6"),
        },
    )
    expected = [Range("shard-1", "7", None), Range("shard-0", "11", "12")]
    assert ranges(start, OFFSET) == expected
    assert ranges(INITIAL, OFFSET) == expected
    assert ranges(OFFSET, OFFSET) == []


def test_a_shard_drained_without_records_is_not_read():
    start = Offset(1_000, shards={"shard-0": Position(State.AFTER, "5", first="2")})
    end = Offset(2_000, shards={"shard-0": Position(State.DRAINED)})
    assert ranges(start, end) == []
