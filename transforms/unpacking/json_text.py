"""Divide JSON text into its parts without changing a character of them.

Python's decoder finds where a value ends. Numbers are not converted, because their length is not
limited. Whether a part is an event is decided by the strict parser later.
"""

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

# Python's decoder finds values by recursion, up to a limit that depends on the Python version. A
# record must always be divided in the same way.
MAX_LEVELS = 500

_BLANK = " \t\r\n"
_NO_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+|"', re.DOTALL)
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, strict=True)


class NotJsonError(Exception):
    """The text is not JSON from here on."""


def is_too_deep(text: str) -> bool:
    """Whether values are nested in more than `MAX_LEVELS` levels."""
    if text.count("[") + text.count("{") <= MAX_LEVELS:
        return False
    depth = 0
    for bracket in _NO_BRACKET.sub("", text):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_LEVELS:
            return True
    return False


def read_value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and the index after it.

    Raises:
        NotJsonError: no JSON value begins there.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except ValueError as error:
        raise NotJsonError(str(error)) from None
    return value, end


def skip_blanks(text: str, start: int) -> int:
    """The index of the first character from `start` on that is no white space of JSON."""
    while start < len(text) and text[start] in _BLANK:
        start += 1
    return start


def concatenated_values(text: str) -> Iterator[str]:
    """The text of each value, one after the other; what is no JSON, to its end, as a last one."""
    start = skip_blanks(text, 0)
    while start < len(text):
        try:
            _, end = read_value(text, start)
        except NotJsonError:
            end = len(text.rstrip(_BLANK))
        yield text[start:end]
        start = skip_blanks(text, end)


def array_items(text: str) -> Iterator[str]:
    """The text of each item of an array; from the first item that is no JSON on, the whole rest.

    A text that is no array is returned as it is.
    """
    start = skip_blanks(text, 0)
    if not text.startswith("[", start):
        yield text
        return
    start = skip_blanks(text, start + 1)
    is_empty = text.startswith("]", start)
    while not is_empty:
        try:
            _, end = read_value(text, start)
            after = skip_blanks(text, end)
            is_last = text.startswith("]", after) and skip_blanks(text, after + 1) == len(text)
            if not (is_last or text.startswith(",", after)):
                raise NotJsonError("an item of an array ends with a comma or the array")
        except NotJsonError:
            yield text[start:]
            return
        yield text[start:end]
        if is_last:
            return
        start = skip_blanks(text, after + 1)
    if skip_blanks(text, start + 1) < len(text):
        yield text


def members(text: str) -> dict[str, str]:
    """The text of each member of an object; the last one of those with the same key.

    Raises:
        NotJsonError: the text is not one JSON object.
    """
    found: dict[str, str] = {}
    at = _expect(text, skip_blanks(text, 0), "{")
    if not text.startswith("}", skip_blanks(text, at)):
        while True:
            at = _expect(text, skip_blanks(text, at), '"')
            try:
                key, at = scanstring(text, at, True)
            except ValueError as error:
                raise NotJsonError(str(error)) from None
            start = skip_blanks(text, _expect(text, skip_blanks(text, at), ":"))
            _, at = read_value(text, start)
            found[key] = text[start:at]
            at = skip_blanks(text, at)
            if not text.startswith(",", at):
                break
            at += 1
    end = _expect(text, skip_blanks(text, at), "}")
    if skip_blanks(text, end) < len(text):
        raise NotJsonError("something follows the object")
    return found


def _expect(text: str, at: int, character: str) -> int:
    if not text.startswith(character, at):
        raise NotJsonError(f"expected {character} at {at}")
    return at + 1
