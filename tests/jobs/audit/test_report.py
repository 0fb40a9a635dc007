"""The report of an audit, as text and as JSON."""

import json
from datetime import date

from jobs.audit import Report, Sample, Violation
from tests.support.handmade_lake import SHARD

SAMPLE = Sample(
    shard_id=SHARD,
    sequence_number="7",
    sub_sequence_number=0,
    record_index=-1,
    attempt=1,
    event_uuid="e1",
    created_at="2026-01-02T03:04:05.000000Z",
)
REPORT = Report(
    first=date(2026, 1, 5),
    last=None,
    raw=1234,
    stored=1000,
    duplicates=200,
    quarantined=30,
    pending=1,
    outdated=4,
    reasons={"not_json": 10, "not_utf8": 20},
    violations=[Violation("lost", 3, (SAMPLE,))],
)


def test_the_report_is_a_table_with_each_violation_below() -> None:
    """A person reads the numbers first, then the rows to look at."""
    assert list(REPORT.lines()) == [
        "audit of ingest dates from 2026-01-05 to the last",
        "raw records                                        1,234",
        "  stored as events                                 1,000",
        "  duplicates of stored events                        200",
        "  quarantined                                         30",
        "    not_utf8                                          20",
        "    not_json                                          10",
        "  not processed yet                                    1",
        "  not accounted for                                    3",
        "outdated values of events                              4",
        "  (values of fields that were added later; `rebuild` fills them)",
        "VIOLATION lost: 3 "
        "(in raw, but neither stored, nor a duplicate of a stored event, nor quarantined)",
        f"  {SHARD}/7/0 attempt=1 event_uuid=e1 created_at=2026-01-02T03:04:05.000000Z",
        "  and 2 more",
        "NOT clean",
    ]


def test_the_json_report_has_the_outcomes_and_the_violations() -> None:
    """A program reads `clean` first; dates are ISO 8601."""
    report = json.loads(REPORT.to_json())
    assert (report["clean"], report["first"], report["last"]) == (False, "2026-01-05", None)
    assert (report["raw"], report["duplicates"], report["pending"]) == (1234, 200, 1)
    assert report["outdated"] == 4
    [violation] = report["violations"]
    assert (violation["kind"], violation["count"]) == ("lost", 3)
    assert violation["samples"][0]["sequence_number"] == "7"
