"""`audit` as a command: its report, its exit code, its errors."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.cli import main
from jobs.errors import ConfigError, IntegrityError
from tests.support.handmade_lake import HandmadeLake
from tests.support.lake_options import lake_options
from tests.support.small_lake import event, settings_in

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EPOCH = 1767323045  # CREATED


@pytest.fixture(autouse=True)
def _shared_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the session that all tests share."""
    monkeypatch.setattr(importlib.import_module("jobs.runtime"), "stop_session", lambda: None)


def test_the_command_prints_the_report_and_its_exit_code_is_the_outcome(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scheduler needs no more than the exit code."""
    lake = HandmadeLake(spark, tmp_path)
    audit = ["audit", *lake_options(lake.location)]
    lake.raw((1, event("a", EPOCH)))
    assert main([*audit, "--json", "--drained"]) == IntegrityError.exit_code
    report = json.loads(capsys.readouterr().out)
    assert (report["clean"], report["raw"]) == (False, 1)
    assert report["violations"][0]["kind"] == "lost"

    lake.events((1, event("a", EPOCH), "a", CREATED))
    assert main([*audit, "--from", "2026-01-01", "--to", "2026-01-31"]) == 0
    assert "clean: nothing lost, nothing stored twice" in capsys.readouterr().out


def test_records_that_process_has_not_read_are_pending_unless_drained(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command reads the checkpoint that the settings name; here there is none yet."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw((1, event("a", EPOCH)))
    assert main(["audit", *lake_options(lake.location), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pending"] == 1


@pytest.mark.usefixtures("spark")
def test_dates_in_the_wrong_order_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty range would be a clean lake."""
    options = lake_options(settings_in(tmp_path).lake)
    dates = ["--from", "2026-01-02", "--to", "2026-01-01"]
    assert main(["audit", *options, *dates]) == ConfigError.exit_code
    assert "--from 2026-01-02 is after --to 2026-01-01" in capsys.readouterr().err
