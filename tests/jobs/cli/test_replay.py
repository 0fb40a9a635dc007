"""`replay` as a command: what it prints, and what it refuses."""

import json
import time

import pytest

from jobs.cli import main as cli
from jobs.runtime import session
from tests.support.small_lake import SmallLake, event

OLD = int(time.time()) - 9 * 3600


def test_the_command_tells_what_it_would_do_does_it_and_says_what_comes_next(
    lake: SmallLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dry run writes nothing. A choice that nothing fits lists what is there."""
    monkeypatch.setattr(session, "stop", lambda: None)  # the session is that of all tests here
    lake.put(event("a", OLD, "has a space"), event("b", OLD, "b b"), event("c", OLD, "C c"), b"{")
    lake.process()
    version = _version(lake)
    given = _given(lake, "checks.event_name_pattern=[a-z: ]+")

    assert cli.main(["replay", *given, "--reason", "no_json"]) == 0
    said = capsys.readouterr().out
    assert "nothing fits" in said
    assert _figures(said) == {"found": 0, "invalid_event_name": 3, "not_json": 1} | NOTHING

    chosen = ["--reason", "invalid_event_name", "--reason", "not_json", "--from", "2026-01-01"]
    assert cli.main(["replay", *given, *chosen, "--dry-run"]) == 0
    said = capsys.readouterr().out
    reason = "reason invalid_event_name or not_json, ingest dates from 2026-01-01 to the last"
    assert said.startswith(f"replay of quarantine: {reason}\n")
    assert _figures(said) == {
        "found": 4,
        "replayed before": 0,
        "accepted by today's rules": 2,
        "accepted, but too young": 0,
        "would be rejected again": 2,
        "invalid_event_name": 1,
        "not_json": 1,
        "would be appended to raw": 2,
    }
    assert "nothing was written" in said
    assert _version(lake) == version

    assert cli.main(["replay", *given, "--name", "b b", "--json"]) == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (report["found"], report["accepted"], report["appended"]) == (1, 1, 1)
    assert report["choice"]["names"] == ["b b"]
    assert f"replay: appending 1 records to {lake.tables.raw.path}" in told.err
    assert cli.main(["replay", *given]) == 0
    said = capsys.readouterr().out
    assert _figures(said)["appended to raw"] == 1
    assert "`process --once`" in said


def test_what_cannot_be_replayed_is_said_in_a_line(
    lake: SmallLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lake yet, dates the wrong way round, a lake on S3 that may have another writer."""
    monkeypatch.setattr(session, "stop", lambda: None)
    on_s3 = _given(lake, "lake.raw=s3://bucket/raw")
    dates = ["--from", "2026-01-02", "--to", "2026-01-01"]
    for arguments, code, line in (
        (_given(lake), 6, f"event-lake: no table at {lake.tables.raw.path}"),
        ([*_given(lake), *dates], 2, "event-lake: --from 2026-01-02 is after --to 2026-01-01"),
        (on_s3, 2, "event-lake: s3://bucket/raw: S3 does not arbitrate"),
    ):
        assert cli.main(["replay", *arguments]) == code
        assert line in capsys.readouterr().err


NOTHING = {
    "replayed before": 0,
    "accepted by today's rules": 0,
    "accepted, but too young": 0,
    "rejected again": 0,
    "appended to raw": 0,
}


def _figures(said: str) -> dict[str, int]:
    """The rows of the table that the report prints."""
    words = (line.rsplit(maxsplit=1) for line in said.splitlines() if line[-1:].isdigit())
    return {name.strip(): int(number) for name, number in words}


def _version(lake: SmallLake) -> list[int]:
    tables = (lake.tables.raw, lake.tables.events, lake.tables.quarantine)
    histories = (lake.spark.sql(f"DESCRIBE HISTORY delta.`{table.path}`") for table in tables)
    return [history.count() for history in histories]


def _given(lake: SmallLake, *more: str) -> list[str]:
    place = lake.settings.lake
    chosen = (
        "source.stream=unused",
        f"lake.raw={place.raw}",
        f"lake.processed={place.processed}",
        f"lake.checkpoints={place.checkpoints}",
        *more,
    )
    return [word for setting in chosen for word in ("--set", setting)]
