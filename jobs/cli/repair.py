"""What `replay`, `rebuild` and `maintain` share: their options, and one run with a report."""

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from jobs.cli.options import add_json_option

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.config import Settings
    from jobs.lake import AnyLease


class Report(Protocol):
    """What a feature returns, for people and for programs."""

    def lines(self) -> Iterable[str]: ...
    def to_json(self) -> str: ...


def add_repair_options(parser: argparse.ArgumentParser) -> None:
    """Add --name, --dry-run and --json."""
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
    """Add --dry-run and --json."""
    parser.add_argument(
        "--dry-run", action="store_true", help="print the same report, but write nothing"
    )
    add_json_option(parser)


def run_repair(
    settings: "Settings",
    arguments: argparse.Namespace,
    repair: Callable[["SparkSession", "AnyLease"], Report],
) -> int:
    """Run `repair` with the lease of the lake, and print its report. Return 0.

    Raises:
        ConfigError: S3 does not decide between two programs that write the lake.
        LakeError: the lease cannot be read or written.
    """
    from jobs.lake import NO_LEASE, lease_of
    from jobs.runtime import build_session

    spark = build_session(settings)
    if arguments.dry_run:
        report = repair(spark, NO_LEASE)
    else:
        with lease_of(spark, settings, arguments.command.name) as lease:
            report = repair(spark, lease)
    print_report(report, as_json=arguments.json)
    return 0


def print_report(report: Report, *, as_json: bool) -> None:
    """Print the report: its lines, or one JSON object."""
    print(report.to_json() if as_json else "\n".join(report.lines()))
