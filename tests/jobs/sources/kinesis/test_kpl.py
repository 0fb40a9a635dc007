"""De-aggregation, against the aggregator of the `aws_kinesis_agg` package."""

import hashlib
from collections.abc import Iterable

import aws_kinesis_agg.aggregator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.kinesis.kpl import MAGIC, UserRecord, user_records


def aggregated(records: Iterable[tuple[str, bytes]]) -> bytes:
    """One aggregated record, as the library of a producer makes it."""
    aggregator = aws_kinesis_agg.aggregator.RecordAggregator()
    for key, data in records:
        aggregator.add_user_record(key, data, explicit_hash_key="1")
    contents: tuple[str, str | None, bytes] = aggregator.clear_and_get().get_contents()
    return contents[2]


def sealed(message: bytes) -> bytes:
    """Any message, with the magic number and its digest."""
    return MAGIC + message + hashlib.md5(message).digest()


@given(st.lists(st.tuples(st.text(min_size=1, max_size=256), st.binary(max_size=300)), min_size=1))
def test_user_records_are_those_that_producers_put(records: list[tuple[str, bytes]]) -> None:
    """Each has its own key, in order, also with empty and non-UTF-8 data."""
    expected = [UserRecord(data, key) for key, data in records]
    assert user_records(aggregated(records)) == expected


ONE = bytes.fromhex("0a016b 1a06 0800 1a02 6869")


def test_a_message_written_by_hand_is_read() -> None:
    """The key table [k] and one record: key 0, data "hi"."""
    assert user_records(sealed(ONE)) == [UserRecord(b"hi", "k")]


def test_unknown_fields_are_skipped() -> None:
    """A later version may add numbers of 32 and 64 bits, varints and bytes, at both levels."""
    unknown = bytes.fromhex("25 00000000 29 0000000000000000 3096 01 3a 01 ff")
    record = bytes.fromhex("0800 1a02 6869") + unknown
    message = unknown + bytes.fromhex("0a016b 1a") + bytes([len(record)]) + record
    assert user_records(sealed(message)) == [UserRecord(b"hi", "k")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain",
        MAGIC,
        MAGIC + bytes(16),
        MAGIC + ONE + bytes(16),
        sealed(b""),
        sealed(bytes.fromhex("0a016b")),
        sealed(ONE[:-1]),
        sealed(ONE + b"\x80"),
        sealed(b"\xff" * 30),
        sealed(b"\x00\x01"),
        sealed(b"\x0b"),
        sealed(bytes.fromhex("0a016b 1a06 0801 1a02 6869")),
        sealed(bytes.fromhex("0a016b 1a04 1a02 6869")),
        sealed(bytes.fromhex("0a016b 1a02 0800")),
        sealed(bytes.fromhex("0a01ff 1a06 0800 1a02 6869")),
    ],
    ids=[
        "empty",
        "plain",
        "magic only",
        "no message",
        "wrong digest",
        "empty message",
        "no records",
        "cut short",
        "half a number",
        "endless number",
        "field zero",
        "group",
        "key that is missing",
        "record without key",
        "record without data",
        "key that is no text",
    ],
)
def test_data_that_only_looks_aggregated_is_passed_on_whole(data: bytes) -> None:
    assert user_records(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_give_records_or_none(message: bytes) -> None:
    records = user_records(sealed(message))
    assert records is None or len(records) > 0
