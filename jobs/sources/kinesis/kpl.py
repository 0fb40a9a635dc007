"""Split records that the Kinesis Producer Library (KPL) has aggregated.

An aggregated record is a magic number, a protobuf message and the message's MD5 digest:

    message AggregatedRecord { repeated string partition_key_table = 1;
                               repeated string explicit_hash_key_table = 2;
                               repeated Record records = 3; }
    message Record { required uint64 partition_key_index = 1;
                     optional uint64 explicit_hash_key_index = 2;
                     required bytes data = 3; repeated Tag tags = 4; }

This module parses the message itself. The protobuf package is a C extension, which cannot be
shipped to executors in a zip file. The package `aws_kinesis_agg` drops the rest of a message if one
record is broken. The tests compare the results of this module with those of `aws_kinesis_agg`.
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
    """A record as the producer put it: its bytes and its partition key."""

    data: bytes
    partition_key: str


class _BrokenMessageError(Exception):
    """The bytes are not an AggregatedRecord."""


def user_records(data: bytes) -> list[UserRecord] | None:
    """The records inside an aggregated one, in order; None if `data` is not an aggregated record.

    Data that only looks aggregated also gives None, so that it is passed on as a whole: the digest
    is wrong, the message is broken or empty, or a partition key is missing.
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
    """The index in the table of partition keys, and the data."""
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
    """A number of seven bits per byte, the lowest first, and the index after it."""
    value = 0
    for index in range(_LONGEST_VARINT):
        byte = message[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise _BrokenMessageError
