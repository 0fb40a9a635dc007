"""The JSON of offsets in a checkpoint. It outlives releases, so the tests write it out."""

import json
from typing import Any

import pytest

from jobs.errors import CheckpointError
from jobs.sources.kinesis.offset import Gap, Offset, Position, Range, State, ranges

OFFSET = Offset(
    as_of_ms=5_000,
    shards={
        "shard-1": Position(State.SHARD_END, first="7", since_ms=5_000),
        "shard-0": Position(State.AFTER, "12", "11", None, 4_000, 4_000, 900),
        "shard-2": Position(State.TRIM_HORIZON, since_ms=5_000),
        "shard-3": Position(State.AT_TIMESTAMP, at_ms=4_500, since_ms=5_000),
    },
    gaps={"shard-0": Gap("3", 60_000), "shard-1": Gap("TRIM_HORIZON", 90_000, "7")},
    gap_count=2,
)
TEXT = (
    '{"as_of_ms": 5000, "gap_count": 2, "gaps": {"shard-0": {"after": "3", "age_ms": 60000}, '
    '"shard-1": {"after": "TRIM_HORIZON", "age_ms": 90000, "resumed_at": "7"}}, '
    '"shards": {"shard-0": {"arrived_ms": 4000, "first": "11", "millis_behind_latest": 900, '
    '"sequence_number": "12", "since_ms": 4000, "state": "AFTER"}, '
    '"shard-1": {"first": "7", "since_ms": 5000, "state": "SHARD_END"}, '
    '"shard-2": {"since_ms": 5000, "state": "TRIM_HORIZON"}, '
    '"shard-3": {"at_ms": 4500, "since_ms": 5000, "state": "AT_TIMESTAMP"}}, "version": 2}'
)
TEXT_OF_VERSION_1 = (
    '{"as_of_ms": 5000, "gap_count": 2, "gaps": {"shard-0": {"after": "3", "age_ms": 60000}, '
    '"shard-1": {"after": "TRIM_HORIZON", "age_ms": 90000, "resumed_at": "7"}}, '
    '"shards": {"shard-0": {"arrived_ms": 4000, "behind_ms": 900, "first": "11", '
    '"sequence_number": "12", "since_ms": 4000, "state": "AFTER"}, '
    '"shard-1": {"first": "7", "since_ms": 5000, "state": "DRAINED"}, '
    '"shard-2": {"since_ms": 5000, "state": "TRIM_HORIZON"}, '
    '"shard-3": {"at_ms": 4500, "since_ms": 5000, "state": "AT_TIMESTAMP"}}, "version": 1}'
)
INITIAL = Offset(5_000, initial=Position(State.AT_TIMESTAMP, at_ms=4_000, since_ms=5_000))
INITIAL_TEXT = (
    '{"as_of_ms": 5000, "initial": {"at_ms": 4000, "since_ms": 5000, "state": "AT_TIMESTAMP"}, '
    '"shards": {}, "version": 2}'
)
INITIAL_TEXT_OF_VERSION_1 = (
    '{"as_of_ms": 5000, "initial": {"at_ms": 4000, "since_ms": 5000, "state": "AT_TIMESTAMP"}, '
    '"shards": {}, "version": 1}'
)


@pytest.mark.parametrize(("offset", "text"), [(OFFSET, TEXT), (INITIAL, INITIAL_TEXT)])
def test_an_offset_is_written_and_read(offset: Offset, text: str) -> None:
    assert json.dumps(offset.to_json()) == text
    read = Offset.from_json(json.loads(text))
    assert json.dumps(read.to_json()) == text
    assert read == offset


@pytest.mark.parametrize(
    ("text", "offset", "rewritten"),
    [
        (TEXT_OF_VERSION_1, OFFSET, TEXT),
        (INITIAL_TEXT_OF_VERSION_1, INITIAL, INITIAL_TEXT),
    ],
)
def test_an_offset_of_version_1_is_read(text: str, offset: Offset, rewritten: str) -> None:
    """Each state, the gaps and the initial offset mean the same. They are written as version 2."""
    read = Offset.from_json(json.loads(text))
    assert read == offset
    assert json.dumps(read.to_json()) == rewritten


@pytest.mark.parametrize("version", [{"version": 3}, {"version": "2"}, {}], ids=str)
def test_an_offset_of_another_version_is_rejected(version: dict[str, Any]) -> None:
    """A wrong interpretation would lose records."""
    expected = rf"of version {version.get('version')!r}, but this release reads only .*\[1, 2\]"
    with pytest.raises(CheckpointError, match=expected):
        Offset.from_json({"shards": {}, "as_of_ms": 1, **version})


def test_the_lag_is_that_of_the_shard_furthest_behind() -> None:
    assert OFFSET.millis_behind_latest == 900
    assert INITIAL.millis_behind_latest == 0


def test_a_batch_reads_the_shards_that_moved() -> None:
    """From the first to the last record in the end offset, whatever the start offset contains."""
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


def test_an_upgrade_alone_moves_no_shard() -> None:
    """The same positions in version 1 and in version 2 give a batch without ranges."""
    version_1 = Offset.from_json(json.loads(TEXT_OF_VERSION_1))
    version_2 = Offset.from_json(json.loads(TEXT))
    assert ranges(version_1, version_2) == []


def test_a_shard_that_ended_without_records_is_not_read() -> None:
    start = Offset(1_000, shards={"shard-0": Position(State.AFTER, "5", first="2")})
    end = Offset(2_000, shards={"shard-0": Position(State.SHARD_END)})
    assert ranges(start, end) == []
