"""The report of the demo: what was put against what the tables contain."""

from dataclasses import replace

import pytest

from jobs.audit import Report
from jobs.demo.report import compared
from tests.jobs.demo.records import five_records

REPORT = Report(
    first=None,
    last=None,
    raw=5,
    stored=2,
    duplicates=2,
    quarantined=1,
    pending=0,
    reasons={"not_json": 1},
)


def test_all_numbers_agree_if_the_lake_contains_what_was_put() -> None:
    """Each line has the number of the generator and that of the tables."""
    found = compared(five_records(), REPORT, late=1)
    assert [(each.name, each.put, each.found, each.agrees) for each in found] == [
        ("records, in raw byte for byte", 5, 5, True),
        ("events, each identity once", 2, 2, True),
        ("  of them hours or days late", 1, 1, True),
        ("duplicates, left out", 2, 2, True),
        ("broken, in quarantine with the reason", 1, 1, True),
        ("  not_json", 1, 1, True),
    ]


@pytest.mark.parametrize(
    ("report", "late", "name"),
    [
        (replace(REPORT, raw=4), 1, "records, in raw byte for byte"),
        (replace(REPORT, stored=3), 1, "events, each identity once"),
        (REPORT, 0, "  of them hours or days late"),
        (replace(REPORT, duplicates=1), 1, "duplicates, left out"),
        (replace(REPORT, quarantined=2), 1, "broken, in quarantine with the reason"),
        (replace(REPORT, reasons={"not_json": 1, "not_utf8": 1}), 1, "  not_utf8"),
    ],
)
def test_a_number_that_differs_is_shown(report: Report, late: int, name: str) -> None:
    """Exactly one line says DIFFERS."""
    found = compared(five_records(), report, late)
    assert [each.name for each in found if not each.agrees] == [name]
    assert [str(each).endswith("DIFFERS") for each in found if each.name == name] == [True]
