"""The command line: errors of users in one line with an exit code, and help at once."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.cli import main
from jobs.cli.main import COMMANDS
from tests.support.commands import STREAM, run, settings
from tests.support.servers import FakeKinesis, fake_kinesis

HEAVY = ("boto3", "botocore", "delta", "py4j", "pyarrow", "pyspark", "transforms")
HELP = """
import sys
from jobs.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.fixture
def kept_session(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> None:
    """Let the command line not stop the session that all tests share."""
    monkeypatch.setattr(importlib.import_module("jobs.runtime"), "stop_session", lambda: None)


@pytest.fixture
def server() -> Iterator[FakeKinesis]:
    with fake_kinesis() as server:
        yield server


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code of a command, and its one line of error."""
    code = main(arguments)
    [line] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("event-l")]
    return code, line


@pytest.mark.parametrize("command", ["", *(command.name for command in COMMANDS)])
def test_help_imports_nothing_heavy(command: str) -> None:
    """`COMMAND --help` needs neither Spark nor boto3, and so answers at once."""
    arguments = [command, "--help"] if command else ["--help"]
    done = subprocess.run(
        [sys.executable, "-c", HELP, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith(f"usage: event-lake {command}".rstrip())
    assert not set(done.stderr.split()) & set(HEAVY)


@pytest.mark.usefixtures("kept_session")
def test_a_missing_stream_is_named(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends before Spark has read or written anything."""
    code, line = error_of(capsys, "stream", *settings(server, str(tmp_path)))
    assert code == 4
    assert f"stream '{STREAM}' in us-east-1" in line
    assert "there is no such stream" in line


@pytest.mark.usefixtures("kept_session")
def test_an_endpoint_that_does_not_answer_is_unreachable(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Port 1 of this machine refuses connections."""
    given = settings(server, str(tmp_path), "source.endpoint_url=http://127.0.0.1:1")
    code, line = error_of(capsys, "ingest", *given)
    assert code == 4
    assert "cannot be reached" in line


@pytest.mark.usefixtures("kept_session")
def test_an_unknown_setting_is_named_with_the_known_ones(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error is found at once."""
    code, line = error_of(capsys, "audit", *settings(server, str(tmp_path), "once.windw=1 hour"))
    assert code == 2
    assert "once: unknown setting(s) ['windw']; known:" in line


@pytest.mark.usefixtures("kept_session")
def test_a_lake_that_cannot_be_written_is_named(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is in the place of the folder."""
    (tmp_path / "raw").write_text("not a folder")
    code, line = error_of(capsys, "process", "--once", *settings(server, str(tmp_path)))
    assert code == 6
    assert f"the table at {tmp_path}/raw/records cannot be created" in line


@pytest.mark.usefixtures("kept_session")
def test_an_audit_without_a_lake_fails(
    server: FakeKinesis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing tables are not clean tables."""
    code, line = error_of(capsys, "audit", *settings(server, str(tmp_path)))
    assert code == 6
    assert "no table at" in line


def test_a_spark_that_does_not_start_ends_with_one_line(
    server: FakeKinesis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw is one line with an exit code, too."""
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--no-such-option pyspark-shell")
    ended = run("audit", *settings(server, str(tmp_path)))
    assert ended.returncode == 10
    assert "\nevent-lake: [JAVA_GATEWAY_EXITED] " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is that of a set-up error."""
    monkeypatch.setitem(sys.modules, "jobs.runtime", None)
    code, line = error_of(capsys, "audit")
    assert code == 3
    assert "the Python package jobs.runtime is missing" in line
