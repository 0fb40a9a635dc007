"""JSON text is divided without changing a character."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.unpacking.json_text import (
    NotJsonError,
    array_items,
    concatenated_values,
    is_too_deep,
    members,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
BLANKS = st.text(" \t\r\n", max_size=3)


@given(st.lists(VALUES, min_size=1), BLANKS)
def test_the_items_of_an_array_and_concatenated_values_are_found(
    values: list[object], blank: str
) -> None:
    """The texts are those that were joined, with any white space between them."""
    texts = [json.dumps(value) for value in values]
    array = blank + "[" + f"{blank},{blank}".join(texts) + blank + "]" + blank

    assert [*array_items(array)] == texts
    assert [*concatenated_values((blank + " ").join(texts) + blank)] == texts


@given(st.dictionaries(st.text(), VALUES), BLANKS)
def test_the_members_of_an_object_are_found(values: dict[str, object], blank: str) -> None:
    texts = {key: json.dumps(value) for key, value in values.items()}
    inner = f"{blank},{blank}".join(
        f"{json.dumps(key)}{blank}:{blank}{text}" for key, text in texts.items()
    )

    assert members(f"{blank}{{{blank}{inner}{blank}}}{blank}") == texts


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a"}', '{"a":}', '{"a":1', '{"a":1,}', "{}x", "{a:1}"]
)
def test_what_is_no_object_is_an_error(text: str) -> None:
    with pytest.raises(NotJsonError):
        members(text)


def test_the_last_of_two_members_with_one_key_counts() -> None:
    assert members('{"a":1,"\\u0061":[ 2 ]}') == {"a": "[ 2 ]"}


def test_levels_are_counted_outside_of_texts() -> None:
    assert not is_too_deep("[" * 500)
    assert is_too_deep('{"a":[' * 251)
    assert not is_too_deep('"' + "[" * 600 + '"' + "[]" * 600)
