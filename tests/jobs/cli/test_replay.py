"""`replay` as a command: its options, its report, its errors."""

import importlib
import json
import time
from pathlib import Path

import pytest

from jobs.cli import main
from tests.support.lake_options import NO_S3, lake_options
from tests.support.small_lake import SmallLake, event, settings_in

OLD = int(time.time()) - 9 * 3600
NOTHING = {
    "replayed before": 0,
    "accepted by the current rules": 0,
    "accepted, but too young": 0,
    "rejected again": 0,
    "appended to raw": 0,
}


@pytest.fixture(autouse=True)
def _shared_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the session that all tests share."""
    monkeypatch.setattr(importlib.import_module("jobs.runtime"), "stop_session", lambda: None)


def test_the_command_reports_what_it_would_do_does_it_and_names_the_next_step(
    lake: SmallLake, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run writes nothing. A filter that matches nothing lists what is there."""
    lake.put(event("a", OLD, "has a space"), event("b", OLD, "b b"), event("c", OLD, "C c"), b"{")
    lake.process()
    commits = commits_of(lake)
    given = lake_options(lake.settings.lake, "checks.event_name_pattern=[a-z: ]+")

    assert main(["replay", *given, "--reason", "no_json"]) == 0
    printed = capsys.readouterr().out
    assert "no record matches" in printed
    assert figures(printed) == {"found": 0, "invalid_event_name": 3, "not_json": 1} | NOTHING

    chosen = ["--reason", "invalid_event_name", "--reason", "not_json", "--from", "2026-01-01"]
    assert main(["replay", *given, *chosen, "--dry-run"]) == 0
    printed = capsys.readouterr().out
    reason = "reason invalid_event_name or not_json, ingest dates from 2026-01-01 to the last"
    assert printed.startswith(f"replay of quarantine: {reason}\n")
    assert figures(printed) == {
        "found": 4,
        "replayed before": 0,
        "accepted by the current rules": 2,
        "accepted, but too young": 0,
        "would be rejected again": 2,
        "invalid_event_name": 1,
        "not_json": 1,
        "would be appended to raw": 2,
    }
    assert "nothing was written" in printed
    assert commits_of(lake) == commits

    assert main(["replay", *given, "--name", "b b", "--json"]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert (report["found"], report["accepted"], report["appended"]) == (1, 1, 1)
    assert report["selection"]["names"] == ["b b"]
    assert f"replay: appending 1 records to {lake.tables.raw.path}" in captured.err
    assert main(["replay", *given]) == 0
    printed = capsys.readouterr().out
    assert figures(printed)["appended to raw"] == 1
    assert "`process --once`" in printed


@pytest.mark.usefixtures("spark")
def test_what_cannot_be_replayed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No lake yet, dates in the wrong order, a lake whose lease cannot be read."""
    places = settings_in(tmp_path).lake
    given = lake_options(places)
    dates = ["--from", "2026-01-02", "--to", "2026-01-01"]
    on_s3 = ["--set", "lake.raw=s3://bucket/raw", *NO_S3]
    for more, code, line in (
        ([], 6, f"event-lake: no table at {places.raw}"),
        (dates, 2, "event-lake: --from 2026-01-02 is after --to 2026-01-01"),
        (on_s3, 6, "event-lake: s3://bucket/raw/_lease.json: Could not connect"),
    ):
        assert main(["replay", *given, *more]) == code
        assert line in capsys.readouterr().err


def figures(printed: str) -> dict[str, int]:
    """The numbers of the table that the report prints."""
    words = (line.rsplit(maxsplit=1) for line in printed.splitlines() if line[-1:].isdigit())
    return {name.strip(): int(number) for name, number in words}


def commits_of(lake: SmallLake) -> list[int]:
    """The number of commits of each table."""
    tables = (lake.tables.raw, lake.tables.events, lake.tables.quarantine)
    histories = (lake.spark.sql(f"DESCRIBE HISTORY delta.`{table.path}`") for table in tables)
    return [history.count() for history in histories]
