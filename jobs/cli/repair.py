"""What `replay`, `rebuild` and `maintain` share: their options, and one run with a report."""

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from jobs.cli.options import add_json_option

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.config import Settings


class Report(Protocol):
    """What a feature returns, for people and for programs."""

    def lines(self) -> Iterable[str]: ...
    def to_json(self) -> str: ...


def add_repair_options(parser: argparse.ArgumentParser) -> None:
    """Add --name, --dry-run, --json and --stopped."""
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        dest="names",
        metavar="EVENT_NAME",
        help="only events of this name; may be repeated",
    )
    add_write_options(parser)


def add_write_options(parser: argparse.ArgumentParser) -> None:
    """Add --dry-run, --json and --stopped."""
    parser.add_argument(
        "--dry-run", action="store_true", help="print the same report, but write nothing"
    )
    add_json_option(parser)
    parser.add_argument(
        "--stopped",
        action="store_true",
        help="nothing else writes this lake now; required on S3 without an arbitrating log store",
    )


def run_repair(
    settings: "Settings",
    arguments: argparse.Namespace,
    repair: Callable[["SparkSession"], Report],
) -> int:
    """Check that this process may write, run `repair`, and print its report. Return 0.

    Raises:
        ConfigError: a second writer could cost a commit.
    """
    from jobs.lake import require_single_writer
    from jobs.runtime import build_session

    spark = build_session(settings)
    if not arguments.dry_run:
        require_single_writer(spark, settings, arguments.stopped)
    print_report(repair(spark), as_json=arguments.json)
    return 0


def print_report(report: Report, *, as_json: bool) -> None:
    """Print the report: its lines, or one JSON object."""
    print(report.to_json() if as_json else "\n".join(report.lines()))
