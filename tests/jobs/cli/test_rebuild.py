"""`rebuild` as a command: its options, its report, its errors."""

import importlib
import json

import pytest

from jobs.cli import main
from tests.support.lake_options import NO_S3, lake_options
from tests.support.small_lake import SmallLake, event

TEN = 1767261600  # 2026-01-01T10:00Z
QUIZ = "lesson:quiz:started"


@pytest.fixture(autouse=True)
def _shared_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the session that all tests share."""
    monkeypatch.setattr(importlib.import_module("jobs.runtime"), "stop_session", lambda: None)


def test_the_command_rebuilds_the_chosen_partitions_and_prints_the_difference(
    lake: SmallLake, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dates and names are options; the difference is text or JSON."""
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    rebuild = ["rebuild", "--from", "2026-01-01", "--to", "2026-01-01"]
    rebuild += lake_options(lake.settings.lake, "events.subtype=rest")
    assert main([*rebuild, "--name", QUIZ, "--dry-run", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["changed"], report["dry_run"]) == (1, True)
    assert main([*rebuild, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "dry run: nothing was changed"
    assert main(rebuild) == 0
    assert capsys.readouterr().out.splitlines() == [
        "events from 2026-01-01 to 2026-01-01, version 2 of the table",
        "partitions                                             1",
        "events                                                 1",
        "  changed                                              1",
        "    event_subtype                                      1",
        f'      "quiz" -> "quiz:started"  shardId-000000000000/{1:056d}/0/0',
        "  to quarantine                                        0",
        "  not in raw any more, left as they are                0",
        "rebuilt",
    ]
    assert main(rebuild) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing to change"


@pytest.mark.parametrize(
    ("given", "code", "line"),
    [
        (["--to", "2025-12-31"], 2, "event-lake: --from 2026-01-01 is after --to 2025-12-31"),
        (
            ["--to", "2026-01-01", "--set", "lake.processed=s3://bucket/processed", *NO_S3],
            6,
            "event-lake: s3://bucket/processed/_lease.json: Could not connect",
        ),
    ],
)
def test_what_cannot_be_rebuilt_is_one_line(
    lake: SmallLake, capsys: pytest.CaptureFixture[str], given: list[str], code: int, line: str
) -> None:
    """Dates in the wrong order, and a lake whose lease cannot be read."""
    rebuild = ["rebuild", *lake_options(lake.settings.lake), "--from", "2026-01-01"]
    assert main([*rebuild, *given]) == code
    assert line in capsys.readouterr().err
