"""Command `maintain`: maintain the files of the tables."""

import argparse
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.repair import add_write_options, run_repair

if TYPE_CHECKING:
    from jobs.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `maintain`."""
    parser.add_argument(
        "--rewrite-int96",
        action="store_true",
        required=True,
        help="rewrite the files of versions before 0.2, whose times other engines misread",
    )
    add_write_options(parser)


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Maintain the tables, and print what was done."""
    from jobs.lake import tables_of
    from jobs.maintenance import rewrite_int96

    tables = tables_of(settings.lake, settings.fields)
    return run_repair(
        settings,
        arguments,
        lambda spark, lease: rewrite_int96(spark, tables, dry_run=arguments.dry_run, lease=lease),
    )


COMMAND = Command("maintain", "rewrite the files of the tables; the rows stay", add_arguments, run)
