"""Decompress a record."""

import zlib

from transforms.unpacking.record_format import Compression

# A record of a few kilobytes can decompress to gigabytes. CloudWatch Logs sends up to 1 MiB
# compressed, and logs compress ten times, in rare cases more.
MAX_UNPACKED_BYTES = 64 * 1024 * 1024

_GZIP = b"\x1f\x8b"
_GZIP_BITS, _ZLIB_BITS = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS


class NotCompressedError(Exception):
    """The bytes are not compressed in this way, or not whole."""


class TooLargeError(Exception):
    """The decompressed bytes are more than `MAX_UNPACKED_BYTES`."""


def looks_like_gzip(data: bytes) -> bool:
    """Whether `data` begins as RFC 1952 requires."""
    return data.startswith(_GZIP)


def looks_like_zlib(data: bytes) -> bool:
    """Whether `data` begins as RFC 1950 requires: no JSON does, because `x` begins no value."""
    return len(data) > 1 and data[0] == 0x78 and int.from_bytes(data[:2]) % 31 == 0


def decompressed(data: bytes, compression: Compression) -> bytes:
    """Undo `compression`. Several gzip members in one record are read one after the other.

    Raises:
        NotCompressedError: the bytes are not compressed in this way, or not whole.
        TooLargeError: the result is too large.
    """
    if compression == "none":
        return data
    if compression == "auto":
        if looks_like_gzip(data):
            return _inflated(data, _GZIP_BITS)
        return _inflated(data, _ZLIB_BITS) if looks_like_zlib(data) else data
    return _inflated(data, _GZIP_BITS if compression == "gzip" else _ZLIB_BITS)


def _inflated(data: bytes, bits: int) -> bytes:
    parts: list[bytes] = []
    room = MAX_UNPACKED_BYTES
    while data or not parts:
        inflater = zlib.decompressobj(bits)
        try:
            part = inflater.decompress(data, room + 1)
        except zlib.error as error:
            raise NotCompressedError(str(error)) from None
        room -= len(part)
        if room < 0:
            raise TooLargeError
        if not inflater.eof:
            raise NotCompressedError("the record ends before its compressed data does")
        parts.append(part)
        data = inflater.unused_data
    return b"".join(parts)
