"""Measure how long `process` takes to restart after a crash, with many identities in its state.

The driver, a process of its own, fills its state, and is killed (SIGKILL) in the middle of the next
batch. The clock runs from its next start to the commit of that batch. Limit: 60 s. Then `audit`
verifies the lake.
"""

import argparse
import re
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.lake_maker import put_fresh
from benchmarks.local import local_session
from benchmarks.processing import FILES_PER_BATCH, settings_in
from benchmarks.report import surroundings, table
from jobs.lake import tables_of
from tests.support.commands import Running, run

_POLL_SECONDS = 0.05
_DEADLINE_SECONDS = 600
_BATCHES_AFTER = 3


@dataclass(frozen=True)
class Result:
    """The state before the crash, and the times before and after it."""

    identities: int
    state_megabytes: float
    batch_seconds: float
    restart_seconds: float

    def report(self) -> str:
        """The table that is printed."""
        rows = [
            ("identities in state", f"{self.identities:,}"),
            ("state in the checkpoint", f"{self.state_megabytes:,.0f} MB"),
            ("a batch before the crash", f"{self.batch_seconds:.1f} s"),
            ("from the start to the first commit", f"{self.restart_seconds:.1f} s"),
        ]
        return table(("", "measured"), rows)


def measure(identities: int, per_fill: int, per_batch: int) -> Result:
    """Fill the state, kill the driver, start it again."""
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        fills = -(-identities // per_fill)
        _make(folder, identities, fills, per_batch)
        with Running("process", *_settings(folder)) as before:
            fill = [_seconds(before.wait_for(f"query=process batch={n} ")) for n in range(fills)]
            _wait_for(Path(folder, "checkpoints/process/offsets", str(fills)))
            before.kill()
        state = _megabytes(Path(folder, "checkpoints/process/state"))

        began = time.monotonic()
        with Running("process", *_settings(folder)) as again:
            again.wait_for(f"query=process batch={fills} ")
            seconds = time.monotonic() - began
            again.wait_for(f"query=process batch={fills + _BATCHES_AFTER - 1} ")
            again.terminate()
        audit = run("audit", "--drained", *_settings(folder))
        if audit.returncode:
            raise SystemExit(f"audit ended with {audit.returncode}:\n{audit.stdout}{audit.stderr}")
        return Result(identities, state, median(fill), seconds)


def _make(folder: str, identities: int, fills: int, per_batch: int) -> None:
    """Make a lake whose raw table contains all records."""
    settings = settings_in(folder)
    spark = local_session(settings, "1g")
    lake = tables_of(settings.lake)
    lake.create(spark)
    put_fresh(spark, lake.raw, 0, identities, fills)
    put_fresh(spark, lake.raw, identities, per_batch * _BATCHES_AFTER, _BATCHES_AFTER)
    spark.stop()


def _settings(folder: str) -> list[str]:
    chosen = (
        "source.stream=unused",
        f"lake.raw={folder}/raw",
        f"lake.processed={folder}/processed",
        f"lake.checkpoints={folder}/checkpoints",
        # Longer than the run, so that no identity is forgotten.
        "once.window=1 hour",
        "stream.trigger=1 second",
        f"process.max_files_per_batch={FILES_PER_BATCH}",
        "process.max_bytes_per_batch=64g",
    )
    return [word for setting in chosen for word in ("--set", setting)]


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not file.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"{file} did not appear within {_DEADLINE_SECONDS} s")
        time.sleep(_POLL_SECONDS)


def _seconds(line: str) -> float:
    match = re.search(r" seconds=([0-9.]+)", line)
    if match is None:
        raise SystemExit(f"expected seconds=... in the log line, got {line!r}")
    return float(match[1])


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """`python -m benchmarks.restart`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--identities", type=int, default=10_000_000, help="identities in the state"
    )
    parser.add_argument(
        "--per-fill", type=int, default=1_000_000, help="records in a batch that fills the state"
    )
    parser.add_argument("--per-batch", type=int, default=250_000, help="records in a later batch")
    given = parser.parse_args()
    result = measure(given.identities, given.per_fill, given.per_batch)
    print(f"Restart after SIGKILL\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
