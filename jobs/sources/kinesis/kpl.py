"""Take apart records that the Kinesis Producer Library has aggregated.

An aggregated record is a magic number, a protobuf message and the message's MD5 digest:

    message AggregatedRecord { repeated string partition_key_table = 1;
                               repeated string explicit_hash_key_table = 2;
                               repeated Record records = 3; }
    message Record { required uint64 partition_key_index = 1;
                     optional uint64 explicit_hash_key_index = 2;
                     required bytes data = 3; repeated Tag tags = 4; }

The message is so small that it is read here: the protobuf package is a C extension, which cannot
be shipped to executors in a zip, and the `aws_kinesis_agg` package drops the rest of a message in
which one record is broken, where nothing may be lost. The tests hold the two against each other.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"\xf3\x89\x9a\xc2"
_DIGEST_SIZE = hashlib.md5(usedforsecurity=False).digest_size

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10


class UserRecord(NamedTuple):
    """What a producer put: its bytes and its partition key."""

    data: bytes
    partition_key: str


class _BrokenMessageError(Exception):
    """The bytes are no AggregatedRecord."""


def user_records(data: bytes) -> list[UserRecord] | None:
    """The records inside an aggregated one, in order; None if `data` is not an aggregated record.

    Whatever only looks like one (wrong digest, broken message, a missing partition key, nothing
    inside) gives None too: it is passed on whole.
    """
    if not data.startswith(MAGIC) or len(data) <= len(MAGIC) + _DIGEST_SIZE:
        return None
    message, digest = data[len(MAGIC) : -_DIGEST_SIZE], data[-_DIGEST_SIZE:]
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        return None
    try:
        return _read_message(message) or None
    except (_BrokenMessageError, UnicodeDecodeError, IndexError):
        return None


def _read_message(message: bytes) -> list[UserRecord]:
    keys: list[str] = []
    records: list[tuple[int, bytes]] = []
    for number, value in _fields(message):
        if number == 1 and isinstance(value, bytes):
            keys.append(value.decode())
        elif number == 3 and isinstance(value, bytes):
            records.append(_read_record(value))
    return [UserRecord(data, keys[key_index]) for key_index, data in records]


def _read_record(message: bytes) -> tuple[int, bytes]:
    """Its index in the table of partition keys, and its data."""
    key_index, data = None, None
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            key_index = value
        elif number == 3 and isinstance(value, bytes):
            data = value
    if key_index is None or data is None:
        raise _BrokenMessageError
    return key_index, data


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise _BrokenMessageError
        if wire_type == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, at = _varint(message, at)
        elif wire_type in _FIXED_SIZES:
            size = _FIXED_SIZES[wire_type]
        else:
            raise _BrokenMessageError
        if at + size > len(message):
            raise _BrokenMessageError
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and the place behind it."""
    value = 0
    for index in range(_LONGEST_VARINT):
        byte = message[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise _BrokenMessageError
