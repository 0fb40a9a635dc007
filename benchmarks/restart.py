"""How long after a crash `process` is at work again, with many identities in its state.

The driver, a process of its own, fills its state, and is killed (SIGKILL) in the middle of the next
batch. The clock runs from its next start to the commit of that batch: to be within 60 s. Then
`audit` proves the lake.
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
from benchmarks.processing import FILES_A_BATCH, settings_in
from benchmarks.report import surroundings, table
from jobs.lake.tables import tables
from tests.support.commands import Running, run

_POLL_SECONDS = 0.05
_BATCHES_AFTER = 3


@dataclass(frozen=True)
class Result:
    identities: int
    state_megabytes: float
    batch_seconds: float
    restart_seconds: float

    def report(self) -> str:
        rows = [
            ("identities in state", f"{self.identities:,}"),
            ("state in the checkpoint", f"{self.state_megabytes:,.0f} MB"),
            ("a batch before the crash", f"{self.batch_seconds:.1f} s"),
            ("from the start to the first commit", f"{self.restart_seconds:.1f} s"),
        ]
        return table(("", "measured"), rows)


def measure(identities: int, per_fill: int, per_batch: int) -> Result:
    """Fill, kill, start again."""
    with TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        fills = -(-identities // per_fill)
        _make(folder, identities, fills, per_batch)
        before = Running("process", *_settings(folder))
        fill = [_seconds(before.wait_for(f"query=process batch={n} ")) for n in range(fills)]
        planned = Path(folder, "checkpoints/process/offsets", str(fills))
        while not planned.exists():
            time.sleep(_POLL_SECONDS)
        before.kill()
        state = _megabytes(Path(folder, "checkpoints/process/state"))

        began = time.monotonic()
        again = Running("process", *_settings(folder))
        again.wait_for(f"query=process batch={fills} ")
        seconds = time.monotonic() - began
        again.wait_for(f"query=process batch={fills + _BATCHES_AFTER - 1} ")
        again.terminate()
        proof = run("audit", "--drained", *_settings(folder))
        if proof.returncode:
            raise SystemExit(f"audit ended with {proof.returncode}:\n{proof.stdout}{proof.stderr}")
        return Result(identities, state, median(fill), seconds)


def _make(folder: str, identities: int, fills: int, per_batch: int) -> None:
    """Raw, with all records; the settings' defaults for everything else."""
    settings = settings_in(folder)
    spark = local_session(settings, "1g")
    lake = tables(settings.lake)
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
        # Longer than the run takes: no identity is forgotten meanwhile.
        "once.window=1 hour",
        "stream.trigger=1 second",
        f"process.max_files_per_batch={FILES_A_BATCH}",
        "process.max_bytes_per_batch=64g",
    )
    return [word for setting in chosen for word in ("--set", setting)]


def _seconds(line: str) -> float:
    found = re.search(r"seconds=([0-9.]+)", line)
    if found is None:
        raise SystemExit(f"no seconds in {line!r}")
    return float(found[1])


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main() -> None:
    """`python -m benchmarks.restart`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--identities", type=int, default=10_000_000, help="in the state")
    parser.add_argument("--per-fill", type=int, default=1_000_000, help="in a batch that fills it")
    parser.add_argument("--per-batch", type=int, default=250_000, help="in a batch after it")
    given = parser.parse_args()
    result = measure(given.identities, given.per_fill, given.per_batch)
    print(f"Restart after SIGKILL\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
