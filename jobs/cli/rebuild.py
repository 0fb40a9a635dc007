"""Command `rebuild`: recompute stored events from raw with the current rules."""

import argparse
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.options import add_date_options, require_date_order
from jobs.cli.repair import add_repair_options, run_repair

if TYPE_CHECKING:
    from jobs.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rebuild`."""
    add_date_options(parser, of="event_date", required=True)
    add_repair_options(parser)


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Rebuild, and print the difference."""
    from jobs.lake import tables_of
    from jobs.rebuild import Partitions, rebuild

    require_date_order(arguments)
    partitions = Partitions(arguments.first, arguments.last, tuple(arguments.names))
    tables = tables_of(settings.lake, settings.fields, canonical_uuid=settings.once.canonical_uuid)
    return run_repair(
        settings,
        arguments,
        lambda spark, lease: rebuild(
            spark, settings, tables, partitions, dry_run=arguments.dry_run, lease=lease
        ),
    )


COMMAND = Command(
    "rebuild", "recompute stored events from raw with the current rules", add_arguments, run
)
