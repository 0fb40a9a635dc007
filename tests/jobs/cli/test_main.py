"""Errors that a user can make: one line, an exit code, no stack trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.cli import main as cli
from jobs.runtime import session
from tests.support.commands import STREAM, run, settings
from tests.support.servers import FakeKinesis, fake_kinesis

pytestmark = pytest.mark.usefixtures("spark")


@pytest.fixture(autouse=True)
def session_of_all_tests(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
    """The command line ends its session, which is that of all tests here."""
    monkeypatch.setattr(session, "stop", lambda: None)


@pytest.fixture
def server() -> Iterator[FakeKinesis]:
    with fake_kinesis() as server:
        yield server


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.main(arguments)
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("event-l")]
    return code, line


def test_a_missing_stream(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stream is named, before Spark has started anything."""
    code, line = error_of(capsys, "stream", *settings(server, str(tmp_path)))
    assert code == 4
    assert f"stream '{STREAM}' in us-east-1" in line
    assert "there is no such stream" in line


def test_an_endpoint_that_does_not_answer(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Port 1 of this machine refuses."""
    given = settings(server, str(tmp_path), "source.endpoint_url=http://127.0.0.1:1")
    code, line = error_of(capsys, "ingest", *given)
    assert code == 4
    assert "cannot be reached" in line


def test_an_unknown_setting(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The known ones are listed."""
    code, line = error_of(capsys, "audit", *settings(server, str(tmp_path), "once.windw=1 hour"))
    assert code == 2
    assert "once: unknown setting(s) ['windw']; known:" in line


def test_a_lake_that_cannot_be_written(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the folder should."""
    (tmp_path / "raw").write_text("not a folder")
    code, line = error_of(capsys, "process", "--once", *settings(server, str(tmp_path)))
    assert code == 6
    assert f"the table at {tmp_path}/raw/records cannot be made" in line


def test_an_audit_of_no_lake(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what is missing, rather than that all is well."""
    code, line = error_of(capsys, "audit", *settings(server, str(tmp_path)))
    assert code == 6
    assert "no table at" in line


def test_spark_that_does_not_start(
    server: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not foreseen is a line and an exit code as well."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--no-such-option pyspark-shell")
    ended = run("audit", *settings(server, str(tmp_path)))
    assert ended.returncode == 10
    assert "\nevent-lake: [JAVA_GATEWAY_EXITED] " in ended.stderr
    assert "Traceback" not in ended.stderr
