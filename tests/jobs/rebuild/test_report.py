"""The report of a rebuild: the difference, then what was done."""

import json
from dataclasses import replace
from typing import Any

import pytest

from jobs.rebuild import Difference
from jobs.rebuild.report import ColumnChange, Example
from tests.jobs.rebuild.lake_state import FIRST, QUIZ, position

UNCHANGED = Difference(first=FIRST, last=FIRST, names=(QUIZ,), version=812, partitions=1, rows=4)


def test_the_report_has_every_number_and_examples_of_the_values() -> None:
    """A person sees what would change before it does."""
    difference = replace(
        UNCHANGED,
        dry_run=True,
        changed=2,
        columns=(ColumnChange("user_id", 2, (Example(position(1), None, "7"),)),),
        new_columns=("user_id",),
        rejected=1,
        reasons={"invalid_event_name": 1},
        replaced=1,
        not_in_raw=1,
    )
    assert list(difference.lines()) == [
        "events of lesson:quiz:started from 2026-01-01 to 2026-01-01, version 812 of the table",
        "partitions                                             1",
        "events                                                 4",
        "  changed                                              2",
        "    user_id                                            2",
        f'      null -> "7"  {position(1)}',
        "  to quarantine                                        1",
        "    invalid_event_name                                 1",
        "    replaced by an accepted duplicate                  1",
        "  not in raw any more, left as they are                1",
        "new columns: user_id",
        "dry run: nothing was changed",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "nothing to change"),
        ({"changed": 1}, "rebuilt"),
        ({"rejected": 1}, "rebuilt"),
        ({"changed": 1, "dry_run": True}, "dry run: nothing was changed"),
        ({"dry_run": True}, "dry run: nothing was changed"),
    ],
)
def test_the_last_line_is_what_was_done(changes: dict[str, Any], line: str) -> None:
    """It distinguishes a dry run from a rebuild that found nothing."""
    assert list(replace(UNCHANGED, **changes).lines())[-1] == line


def test_a_dry_run_reports_that_a_rebuild_would_be_refused() -> None:
    """The values of the identity are named, because they are what to look at."""
    change = ColumnChange("event_uuid", 1, (Example(position(1), "a", "A"),))
    lines = list(replace(UNCHANGED, dry_run=True, identities=(change,)).lines())
    assert lines[-4:-1] == [
        "REFUSED: the current rules read another identity",
        "    event_uuid                                         1",
        f'      "a" -> "A"  {position(1)}',
    ]


def test_the_json_report_has_the_same_numbers() -> None:
    """Dates are ISO 8601, and text is not escaped."""
    change = ColumnChange("title", 1, (Example(position(1), "ä", "ö"),))
    text = replace(UNCHANGED, changed=1, columns=(change,)).to_json()
    report = json.loads(text)
    assert (report["first"], report["rows"], report["changed"]) == ("2026-01-01", 4, 1)
    assert report["dry_run"] is False
    assert report["columns"][0]["examples"][0]["new"] == "ö"
    assert "ö" in text
