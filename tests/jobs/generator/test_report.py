"""The report of a tally: the counts that the tables must have."""

from jobs.generator.report import tally_lines
from jobs.generator.traffic import Record, Tally


def test_the_report_has_the_counts_that_the_tables_must_have() -> None:
    tally = Tally()
    tally.add([Record("k", b"", "event")] * 1200)
    tally.add([Record("k", b"", "late")] * 30)
    tally.add([Record("k", b"", "duplicate", "same bytes")] * 7)
    tally.add([Record("k", b"", "broken", "nothing"), Record("k", b"", "broken", "Latin-1")])
    assert tally_lines(tally) == [
        "put 1,239 records:",
        "    1,230 events: 1,200 on time, 30 late",
        "        7 duplicates: 7 same bytes",
        "        2 broken: 1 not_json, 1 not_utf8",
    ]
