"""The file that describes a generation."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.checkpoints.generation import Generation

GENERATION = Generation(
    "0f", datetime(2026, 1, 1, 12, 0, 0, 500, tzinfo=UTC), timedelta(minutes=10), "one"
)
TEXT = """\
{
  "identifier": "0f",
  "covered_since": "2026-01-01T12:00:00.000500+00:00",
  "window": 600.0,
  "query": "one"
}
"""


def test_a_generation_is_written_as_json_and_read_again() -> None:
    """The text is on disk: a later version of the program must read it."""
    assert GENERATION.to_json() == TEXT
    assert Generation.from_json(TEXT) == GENERATION


def test_a_generation_without_a_query_has_not_started() -> None:
    """The first version of the file had no query."""
    text = TEXT.replace(',\n  "query": "one"', "")
    assert Generation.from_json(text).query == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", TEXT.replace("+00:00", ""), TEXT.replace("600.0", '"ten"')],
    ids=["empty", "no object", "no keys", "no time zone", "no number"],
)
def test_another_text_raises_one_of_three_errors(text: str) -> None:
    """The checkpoint reports each of them as damage."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Generation.from_json(text)
