"""The report of a replay: the outcomes, then what to do next."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from jobs.replay import Report
from transforms.quarantine_filter import QuarantineFilter

REPORT = Report(
    selection=QuarantineFilter(),
    dry_run=False,
    found=7,
    replayed_before=1,
    accepted=3,
    too_young=1,
    patience=timedelta(minutes=90),
    rejected=2,
    reasons={"not_json": 2, "invalid_event_name": 1},
    appended=3,
    present={},
)


def test_the_report_has_every_outcome_and_names_the_next_step() -> None:
    """A record that waits, and one that was appended, need something else to be done."""
    assert list(REPORT.lines()) == [
        "replay of quarantine: all records",
        "found                                                  7",
        "  replayed before                                      1",
        "  accepted by the current rules                        3",
        "  accepted, but too young                              1",
        "  rejected again                                       2",
        "    not_json                                           2",
        "    invalid_event_name                                 1",
        "appended to raw                                        3",
        "too young: created less than 1:30:00 ago, so `process` could drop them as duplicates of "
        "their own first attempt; replay them when they are older",
        "next: a running `stream` or `process` reads them, with the rules that it was started "
        "with; if none is running, run `process --once`",
    ]


def test_a_dry_run_reports_what_would_be_done() -> None:
    """Its last line is that nothing was written."""
    lines = list(replace(REPORT, dry_run=True, too_young=0, appended=0).lines())
    assert "  would be rejected again                              2" in lines
    assert lines[-2:] == [
        "would be appended to raw                               3",
        "dry run: nothing was written",
    ]


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ({"not_json": 4}, ["    not_json                                           4"]),
        ({}, ["    nothing"]),
    ],
)
def test_a_filter_that_matches_nothing_lists_what_is_there(
    present: dict[str, int], expected: list[str]
) -> None:
    """A misspelled reason is found out."""
    nothing = replace(
        REPORT,
        found=0,
        replayed_before=0,
        accepted=0,
        too_young=0,
        rejected=0,
        reasons={},
        appended=0,
        present=present,
    )
    lines = list(nothing.lines())
    assert lines[lines.index("no record matches; on these dates quarantine has:") + 1 :] == expected


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (QuarantineFilter(reasons=["b", "a"], names=["n"]), "reason a or b, name n"),
        (
            QuarantineFilter(first=date(2026, 1, 1)),
            "ingest dates from 2026-01-01 to the last",
        ),
        (
            QuarantineFilter(last=date(2026, 1, 1)),
            "ingest dates from the first to 2026-01-01",
        ),
    ],
)
def test_the_first_line_is_the_filter(selection: QuarantineFilter, text: str) -> None:
    """A report that is kept in a log shows what it is about."""
    assert next(replace(REPORT, selection=selection).lines()) == f"replay of quarantine: {text}"


def test_the_json_report_has_the_filter_and_the_outcomes() -> None:
    """Times are seconds, and dates are ISO 8601."""
    selection = QuarantineFilter(names=["a:b"], first=date(2026, 1, 1))
    report = json.loads(replace(REPORT, selection=selection).to_json())
    assert report["selection"]["names"] == ["a:b"]
    assert report["selection"]["first"] == "2026-01-01"
    assert (report["found"], report["appended"], report["patience"]) == (7, 3, 5400.0)
