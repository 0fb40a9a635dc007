"""The demo as a user runs it: numbers agree, its advice works, it leaves nothing running."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.processes import descendants, end_of

pytestmark = pytest.mark.slow

REPO = Path(__file__).parents[2]
EVENTS = "4000"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "jobs", *arguments]


def environment() -> dict[str, str]:
    """Without an AWS account: the demo must not need one."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return mine | {"PYTHONPATH": str(REPO)}


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments), cwd=folder, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(folder: Path) -> subprocess.Popen[str]:
    """A demo in a process group of its own, as a shell starts it."""
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
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the demo ended without {text!r}")


def all_ended(pids: Sequence[int] | set[int]) -> bool:
    return all(end_of(pid) for pid in pids)


def test_the_numbers_agree_and_what_it_recommends_works(tmp_path: Path):
    """Run, run again over the first one's lake, audit, then lose the checkpoint."""
    first = run(tmp_path, "demo", "--events", EVENTS)
    assert "nothing lost, nothing twice" in first
    assert "DIFFERS" not in first
    assert "read 1 of " in first

    again = run(tmp_path, "demo", "--events", EVENTS, "--seed", "2")
    assert "nothing lost, nothing twice" in again

    settings = ("--config", "event-lake-demo/demo.toml")
    before = run(tmp_path, "audit", *settings)
    shutil.rmtree(tmp_path / "event-lake-demo" / "checkpoints" / "process")
    run(tmp_path, "process", "--once", *settings)
    assert "clean: nothing lost, nothing twice" in before
    assert run(tmp_path, "audit", *settings) == before


def test_ctrl_c_stops_all_that_the_demo_started(tmp_path: Path):
    """A terminal sends it to the whole process group, Spark's processes included."""
    with start(tmp_path) as demo:
        read_until(demo, "  put ")
        started = descendants(demo.pid)
        os.killpg(demo.pid, signal.SIGINT)
        assert demo.stdout is not None
        said = demo.stdout.read()
    assert demo.returncode == 130
    assert "stopped; what is there so far" in said
    assert len(started) >= 2  # Spark and the server
    assert all_ended(started)


def test_a_killed_demo_leaves_nothing_running(tmp_path: Path):
    with start(tmp_path) as demo:
        read_until(demo, "  put ")
        started = descendants(demo.pid)
        demo.kill()
    assert len(started) >= 2
    assert all_ended(started)
