"""The short benchmarks print their reports. The sizes are too small for meaningful figures."""

import subprocess
import sys

import pytest

from tests.support.commands import REPO

MAX_SECONDS = 600


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("kinesis_plan", ("--shards", "3", "--records", "2")),
        ("kinesis_source", ("--shards", "2", "--records", "20", "--records-per-batch", "20")),
        ("processing", ("--events", "400", "--events-per-batch", "200")),
    ],
)
def test_a_benchmark_reports(name: str, sizes: tuple[str, ...]) -> None:
    """The report ends with the command that repeats the measurement."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *sizes],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert f"python -m benchmarks.{name} {' '.join(sizes)}" in done.stdout
