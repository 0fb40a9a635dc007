"""The demo as a user runs it: its numbers agree, its advice works, it leaves no process behind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from threading import Timer

import pytest

from tests.support.processes import descendants, end_of

REPO = Path(__file__).parents[2]
EVENTS = "2000"
MAX_SECONDS = 600


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "jobs", *arguments]


def environment() -> dict[str, str]:
    """The environment without AWS credentials: the demo must not need any."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return others | {"PYTHONPATH": str(REPO)}


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(folder: Path) -> subprocess.Popen[str]:
    """A demo in a process group of its own, as in a shell."""
    return subprocess.Popen(
        command("demo", "--events", "1000000"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    """Read what the demo prints up to the line that contains `text`."""
    assert process.stdout is not None
    # After the deadline the demo is killed, so the loop ends.
    deadline = Timer(MAX_SECONDS, process.kill)
    deadline.start()
    try:
        for line in process.stdout:
            if text in line:
                return
    finally:
        deadline.cancel()
    raise AssertionError(f"the demo ended without {text!r}")


def all_ended(pids: Collection[int]) -> bool:
    return all(end_of(pid) for pid in pids)


def test_the_numbers_of_the_demo_agree(tmp_path: Path) -> None:
    """It says so at its end, and a query has read one partition only."""
    printed = run(tmp_path, "demo", "--events", EVENTS)
    assert "nothing lost, nothing stored twice" in printed
    assert "DIFFERS" not in printed
    assert "read 1 of " in printed


@pytest.mark.slice("programs")
def test_the_demo_can_be_repeated_and_the_recommended_commands_work(tmp_path: Path) -> None:
    """It runs twice on the same folder; then the checkpoint is lost, and the audit is the same."""
    run(tmp_path, "demo", "--events", EVENTS)
    again = run(tmp_path, "demo", "--events", EVENTS, "--seed", "2")
    assert "nothing lost, nothing stored twice" in again

    settings = ("--config", "event-lake-demo/demo.toml")
    before = run(tmp_path, "audit", *settings)
    shutil.rmtree(tmp_path / "event-lake-demo" / "checkpoints" / "process")
    run(tmp_path, "process", "--once", *settings)
    assert "clean: nothing lost, nothing stored twice" in before
    assert run(tmp_path, "audit", *settings) == before


def test_ctrl_c_stops_every_process_that_the_demo_started(tmp_path: Path) -> None:
    """A terminal sends the signal to the whole process group, with Spark's processes."""
    with start(tmp_path) as demo:
        read_until(demo, "  put ")
        started = descendants(demo.pid)
        os.killpg(demo.pid, signal.SIGINT)
        output, _ = demo.communicate(timeout=MAX_SECONDS)
    assert demo.returncode == 130
    assert "stopped; the lake so far" in output
    assert len(started) >= 2  # Spark and the server
    assert all_ended(started)


def test_a_killed_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    with start(tmp_path) as demo:
        read_until(demo, "  put ")
        started = descendants(demo.pid)
        demo.kill()
    assert len(started) >= 2
    assert all_ended(started)
