"""How long `audit` takes to prove a lake of many records: to fit into 10 minutes and 4 GiB.

The lake is written straight into its tables (`benchmarks.lake_maker`) before the clock starts.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lake_maker import MadeLake, lake_of
from benchmarks.local import local_session
from benchmarks.processing import settings_in
from benchmarks.report import PeakMemory, surroundings, table
from jobs import audit
from jobs.audit_report import Report


@dataclass(frozen=True)
class Result:
    lake: MadeLake
    seconds: float
    peak_gib: float

    def report(self) -> str:
        row = (
            f"{self.lake.rows:,}",
            f"{_gigabytes(self.lake.folder):.1f}",
            f"{self.seconds:.0f}",
            f"{self.lake.rows / self.seconds:,.0f}",
            f"{self.peak_gib:.2f}",
        )
        return table(("records", "GB on disk", "seconds", "records/s", "peak GiB"), [row])


def measure(folder: str, rows: int, memory: str) -> Result:
    """Make the lake in `folder`, unless it is there, and have it proved."""
    spark = local_session(settings_in(folder), memory)
    lake = lake_of(spark, folder, rows)
    began = time.monotonic()
    with PeakMemory() as peak:
        report = audit.prove(spark, lake.tables)
    seconds = time.monotonic() - began
    spark.stop()
    _require_right(report, lake)
    return Result(lake, seconds, peak.gib)


def _require_right(report: Report, lake: MadeLake) -> None:
    told = (report.is_clean, report.raw, report.twins, report.quarantined, report.stored)
    stored = lake.rows - lake.twins - lake.rejected
    wanted = (True, lake.rows, lake.twins, lake.rejected, stored)
    if told != wanted:
        raise SystemExit(f"audit told {told}, but the lake is {wanted}")


def _gigabytes(folder: str) -> float:
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet")) / 1e9


@contextmanager
def lake_folder(given: str | None) -> Iterator[str]:
    """The folder that the user gave, which stays; else one that goes."""
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="event-lake-benchmark-") as folder:
        yield folder


def main() -> None:
    """`python -m benchmarks.audit`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000, help="records in raw")
    parser.add_argument("--lake", help="folder of a lake to make, or to use again; it is kept")
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    given = parser.parse_args()
    with lake_folder(given.lake) as folder:
        result = measure(folder, given.rows, given.memory)
    print(f"Audit\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
