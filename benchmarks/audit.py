"""Measure how long `audit` takes for a lake of many records. Limits: 10 minutes and 4 GiB.

The lake is written directly into its tables (`benchmarks.lake_maker`) before the clock starts.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lake_maker import MadeLake, lake_of, lakes_folder
from benchmarks.local import local_session
from benchmarks.processing import settings_in
from benchmarks.report import PeakMemory, surroundings, table
from jobs.audit import Report, verify_tables


@dataclass(frozen=True)
class Result:
    """The lake, its size on disk, and what its audit took."""

    lake: MadeLake
    gigabytes: float
    seconds: float
    peak_gib: float

    def report(self) -> str:
        """The table that is printed."""
        row = (
            f"{self.lake.rows:,}",
            f"{self.gigabytes:.1f}",
            f"{self.seconds:.0f}",
            f"{self.lake.rows / self.seconds:,.0f}",
            f"{self.peak_gib:.2f}",
        )
        return table(("records", "GB on disk", "seconds", "records/s", "peak GiB"), [row])


def measure(lakes: str, rows: int, memory: str) -> Result:
    """Audit the lake of `rows` records below the folder `lakes`. Make it if it does not exist."""
    spark = local_session(settings_in(lakes), memory)
    lake = lake_of(spark, lakes, rows)
    began = time.monotonic()
    with PeakMemory() as peak:
        report = verify_tables(spark, lake.tables)
    seconds = time.monotonic() - began
    spark.stop()
    _require_expected(report, lake)
    return Result(lake, _gigabytes(lake.folder), seconds, peak.gib)


def _require_expected(report: Report, lake: MadeLake) -> None:
    found = (report.is_clean, report.raw, report.stored, report.duplicates, report.quarantined)
    expected = (True, lake.rows, lake.stored, lake.duplicates, lake.rejected)
    if found != expected:
        raise SystemExit(
            f"audit: expected {expected} (clean, raw, stored, duplicates, quarantined), got {found}"
        )


def _gigabytes(folder: str) -> float:
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet")) / 1e9


def main() -> None:
    """`python -m benchmarks.audit`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000, help="records in raw")
    parser.add_argument("--lakes", help="folder of lakes to make or to reuse; it is kept")
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    given = parser.parse_args()
    with lakes_folder(given.lakes) as folder:
        result = measure(folder, given.rows, given.memory)
    print(f"Audit\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
