"""Take one record apart: decompress it, divide it, open the envelopes. Pure Python, on bytes."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from transforms.parsing import BYTE_ORDER_MARK
from transforms.unpacking.compression import NotCompressedError, TooLargeError, decompressed
from transforms.unpacking.envelopes import NotInEnvelopeError, opened
from transforms.unpacking.json_text import array_items, concatenated_values, is_too_deep
from transforms.unpacking.record_format import Framing, RecordFormat


class Part(NamedTuple):
    """One part of a record: an event, or bytes with the reason why they hold none."""

    data: bytes
    fault: str | None = None


def parts_of(data: bytes, form: RecordFormat) -> list[Part] | str:
    """The parts of a record, in their order; or the reason why it cannot be taken apart.

    Every byte that is no separator or envelope is in one of the parts. If a part is not in its
    envelope, it is returned as it is, with the reason. The reasons:

        not_compressed   not compressed in this way, or not whole
        too_large        more than 64 MiB when decompressed
        not_utf8         its text cannot be divided
        unsupported_json nested in more than 500 levels
        not_in_envelope  a part is not an envelope of this kind
        no_event         the record, or an envelope, holds no event
    """
    try:
        content = decompressed(data, form.compression)
    except NotCompressedError:
        return "not_compressed"
    except TooLargeError:
        return "too_large"
    if form.framing == "single" and form.envelope == "none":
        return [Part(content)]
    try:
        text = content.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError:
        return "not_utf8"
    if is_too_deep(text):
        return "unsupported_json"
    parts = [part for frame in _FRAMES[form.framing](text) for part in _opened(frame, form)]
    return parts or "no_event"


def part_again(data: bytes, form: RecordFormat) -> Part:
    """A part that was taken out of its record before, for example that of a replayed event.

    Its envelope is opened if it still has one, because the envelope may not have been known then.
    """
    try:
        events = opened(data.removeprefix(BYTE_ORDER_MARK).decode("utf-8"), form.envelope)
    except (UnicodeDecodeError, NotInEnvelopeError):
        return Part(data)
    return Part(events[0]) if len(events) == 1 else Part(data)


def _opened(frame: str, form: RecordFormat) -> list[Part]:
    try:
        events = opened(frame, form.envelope)
    except NotInEnvelopeError:
        return [Part(frame.encode(), "not_in_envelope")]
    return [Part(event) for event in events] or [Part(frame.encode(), "no_event")]


def _lines(text: str) -> Iterable[str]:
    return (line.removesuffix("\r") for line in text.split("\n") if line.strip(" \t\r"))


_FRAMES: dict[Framing, Callable[[str], Iterable[str]]] = {
    "single": lambda text: [text],
    "lines": _lines,
    "concatenated": concatenated_values,
    "array": array_items,
}
