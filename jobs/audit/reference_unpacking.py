"""Take records apart for the audit, by other means than `transforms.unpacking`.

The pipeline lets Python's decoder find where a value ends. Here a scanner of tokens finds it, by
counting brackets, and each piece is then decoded by itself to see whether it is a value. Envelopes
are decoded whole.
"""

import gzip
import io
import json
import re
import zlib
from base64 import b64decode
from itertools import accumulate
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import DATA, RECORD_INDEX, RECORD_POSITION
from transforms.unpacking import WHOLE_RECORD, RecordFormat

_MAX_BYTES = 64 * 1024 * 1024
_MAX_LEVELS = 500
_SCALAR = r"true|false|null|-?Infinity|NaN|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(rf'"(?:[^"\\]|\\.)*"|[\[\]{{}},:]|{_SCALAR}|[ \t\r\n]+', re.DOTALL)
_OPENING, _CLOSING = "[{", "]}"
_BLANK = " \t\r\n"


def in_parts(raw: DataFrame, form: RecordFormat, as_wholes: DataFrame) -> DataFrame:
    """The rows of raw, one for each event in a record.

    Columns in:   RAW_SCHEMA; `as_wholes`: the position of records
    Columns out:  the same; data: binary, that of the event; record_index: int
    Rows:         one for each part of a record; a record of `as_wholes` is one part, because it was
                  processed when the format was another one
    """
    if form.is_plain:
        return raw
    key = list(RECORD_POSITION)
    wholes = as_wholes.select(*key).distinct()
    divided = raw.join(wholes, on=key, how="left_anti").select(*raw.columns)

    def parts(data: bytes | None, index: int) -> list[tuple[int, bytes]]:
        return _row_parts(bytes(data or b""), index, form)

    schema = f"array<struct<{RECORD_INDEX}: int, {DATA}: binary>>"
    part = F.explode(F.udf(parts, schema, useArrow=False)(DATA, RECORD_INDEX)).alias("part")
    pieces = divided.select("*", part).withColumns(
        {name: F.col(f"part.{name}") for name in (RECORD_INDEX, DATA)}
    )
    kept = raw.join(wholes, on=key, how="left_semi").select(*raw.columns)
    return kept.unionByName(pieces.drop("part"))


def _row_parts(data: bytes, index: int, form: RecordFormat) -> list[tuple[int, bytes]]:
    if index == WHOLE_RECORD:
        parts = record_parts(data, form)
        return [(WHOLE_RECORD, data)] if parts is None else list(enumerate(parts))
    try:
        events = _events(data.decode().removeprefix("\ufeff"), form.envelope)
    except ValueError:
        events = []
    return [(index, events[0] if len(events) == 1 else data)]


def record_parts(data: bytes, form: RecordFormat) -> list[bytes] | None:
    """The bytes of each part of a record; None if it cannot be taken apart."""
    try:
        content = _decompress(data, form.compression)
        if form.framing == "single" and form.envelope == "none":
            return [content]
        text = content.decode().removeprefix("\ufeff")
    except (ValueError, OSError, EOFError, zlib.error):
        return None
    if _levels(text) > _MAX_LEVELS:
        return None
    parts = []
    for frame in _frames(text, form.framing):
        try:
            events = _events(frame, form.envelope)
        except ValueError:
            events = []
        parts += events or [frame.encode()]
    return parts or None


def _decompress(data: bytes, compression: str) -> bytes:
    if compression == "auto":
        compression = "gzip" if data[:2] == b"\x1f\x8b" else "none"
        if re.match(rb"x[\x01\x5e\x9c\xda]", data):
            compression = "zlib"
    if compression == "none":
        return data
    if compression == "gzip":
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            content = file.read(_MAX_BYTES + 1) if data else _fail()
    else:
        content, rest = b"", data
        while rest or not content:
            inflater = zlib.decompressobj()
            content += inflater.decompress(rest, _MAX_BYTES + 1)
            rest = inflater.unused_data if inflater.eof else _fail()
    return content if len(content) <= _MAX_BYTES else _fail()


def _fail() -> bytes:
    raise ValueError("not compressed, or too large")


def _levels(text: str) -> int:
    brackets = re.sub(r'"(?:[^"\\]|\\.)*"|[^\[\]{}]', "", text, flags=re.DOTALL)
    return max(accumulate((1 if each in _OPENING else -1 for each in brackets), initial=0))


def _frames(text: str, framing: str) -> list[str]:
    match framing:
        case "lines":
            return [line.removesuffix("\r") for line in re.split("\n", text) if line.strip(_BLANK)]
        case "concatenated":
            return _sequence(text, 0, separated=False)
        case "array" if text.lstrip(_BLANK).startswith("["):
            return _sequence(text, text.index("[") + 1, separated=True)
        case _:
            return [text]


def _sequence(text: str, at: int, *, separated: bool) -> list[str]:
    """Values one after the other, or the items of an array. What is no value ends in one piece."""
    found: list[str] = []
    at = _after_blanks(text, at)
    if separated and text.startswith("]", at):
        return [] if not text[at + 1 :].strip(_BLANK) else [text]
    while at < len(text):
        end = _end(text, at)
        after = _after_blanks(text, end)
        ends = separated and text.startswith("]", after) and not text[after + 1 :].strip(_BLANK)
        is_followed = not separated or ends or text.startswith(",", after)
        if not _is_value(text[at:end]) or not is_followed:
            found.append(text[at:] if separated else text[at:].rstrip(_BLANK))
            return found
        found.append(text[at:end])
        if ends:
            return found
        at = _after_blanks(text, after + 1) if separated else after
    return [*found, ""] if separated else found


def _end(text: str, at: int) -> int:
    """The index after the value that begins at `at`; `at` if no token begins there."""
    depth = 0
    start = at
    while token := _TOKEN.match(text, at):
        at = token.end()
        depth += (token[0] in _OPENING) - (token[0] in _CLOSING)
        if depth <= 0:
            return at
    return start if at == start else len(text)


def _after_blanks(text: str, at: int) -> int:
    return len(text) - len(text[at:].lstrip(_BLANK))


def _is_value(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        return False
    return True


def _events(frame: str, envelope: str) -> list[bytes]:
    """The events in an envelope. Raises ValueError if `frame` is no such envelope."""
    if envelope == "none":
        return [frame.encode()]
    try:
        return _opened(frame, envelope)
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from None


def _opened(frame: str, envelope: str) -> list[bytes]:
    if envelope == "base64":
        return [b64decode(frame.strip(), validate=True)]
    value: Any = json.loads(frame, parse_int=str, parse_float=str)
    match envelope:
        case "json_string":
            return [_utf8(value)]
        case "firehose":
            return [
                b64decode(_utf8(each["data"]), validate=True) for each in _list(value["records"])
            ]
        case "cloudwatch_logs" if value["messageType"] == "CONTROL_MESSAGE":
            return []
        case "cloudwatch_logs":
            return [_utf8(each["message"]) for each in _list(value["logEvents"])]
        case "dms" if value["metadata"]["record-type"] == "control":
            return []
    member = {"eventbridge": "detail", "dms": "data"}[envelope]
    if envelope == "eventbridge":
        value["detail-type"]
    if not isinstance(value[member], dict):
        raise TypeError(f"{member} is no object")
    return [_text_of_member(frame, member).encode()]


def _text_of_member(frame: str, member: str) -> str:
    """The text of the last member of this name in the root object."""
    at = frame.index("{") + 1
    found = ""
    while not frame.startswith("}", at := _after_blanks(frame, at)):
        end = _end(frame, at)
        start = _after_blanks(frame, frame.index(":", end) + 1)
        after = _end(frame, start)
        if json.loads(frame[at:end]) == member:
            found = frame[start:after]
        at = _after_blanks(frame, after)
        at += frame.startswith(",", at)
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("expected an array")
    return value


def _utf8(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value.encode("utf-8", "backslashreplace")
