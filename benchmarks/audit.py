"""How long `audit` takes to prove a lake of many records: to fit into 10 minutes and 4 GiB.

The lake is written straight into its tables (`benchmarks.lake_maker`) before the clock starts.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lake_maker import MadeLake, lake_of, lakes_folder
from benchmarks.local import local_session
from benchmarks.processing import settings_in
from benchmarks.report import PeakMemory, surroundings, table
from jobs.audit import verify as audit
from jobs.audit.report import Report


@dataclass(frozen=True)
class Result:
    lake: MadeLake
    gigabytes: float
    seconds: float
    peak_gib: float

    def report(self) -> str:
        row = (
            f"{self.lake.rows:,}",
            f"{self.gigabytes:.1f}",
            f"{self.seconds:.0f}",
            f"{self.lake.rows / self.seconds:,.0f}",
            f"{self.peak_gib:.2f}",
        )
        return table(("records", "GB on disk", "seconds", "records/s", "peak GiB"), [row])


def measure(lakes: str, rows: int, memory: str) -> Result:
    """Make the lake below the folder `lakes`, unless it is there, and have it proved."""
    spark = local_session(settings_in(lakes), memory)
    lake = lake_of(spark, lakes, rows)
    began = time.monotonic()
    with PeakMemory() as peak:
        report = audit.prove(spark, lake.tables)
    seconds = time.monotonic() - began
    spark.stop()
    _require_right(report, lake)
    return Result(lake, _gigabytes(lake.folder), seconds, peak.gib)


def _require_right(report: Report, lake: MadeLake) -> None:
    told = (report.is_clean, report.raw, report.stored, report.twins, report.quarantined)
    wanted = (True, lake.rows, lake.stored, lake.twins, lake.rejected)
    if told != wanted:
        raise SystemExit(f"audit told {told}, but the lake is {wanted}")


def _gigabytes(folder: str) -> float:
    return sum(file.stat().st_size for file in Path(folder).rglob("*.parquet")) / 1e9


def main() -> None:
    """`python -m benchmarks.audit`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000_000, help="records in raw")
    parser.add_argument("--lakes", help="folder of lakes to make, or to use again; they are kept")
    parser.add_argument("--memory", default="2600m", help="of the Spark driver")
    given = parser.parse_args()
    with lakes_folder(given.lakes) as folder:
        result = measure(folder, given.rows, given.memory)
    print(f"Audit\n\n{result.report()}\n\n{surroundings()}")


if __name__ == "__main__":
    main()
