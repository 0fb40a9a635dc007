"""Command `replay`: bring quarantined records to the events after a fix."""

import argparse
import sys
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.options import add_date_options, require_date_order
from jobs.cli.repair import add_repair_options, run_repair

if TYPE_CHECKING:
    from jobs.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `replay`."""
    parser.add_argument(
        "--reason",
        action="append",
        default=[],
        dest="reasons",
        metavar="CODE",
        help="only records with this reason; may be repeated",
    )
    add_date_options(parser)
    add_repair_options(parser)


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Replay, and print what became of the records."""
    from jobs.lake import tables_of
    from jobs.replay import replay
    from transforms.quarantine_filter import QuarantineFilter

    require_date_order(arguments)
    selection = QuarantineFilter(
        reasons=arguments.reasons,
        names=arguments.names,
        first=arguments.first,
        last=arguments.last,
    )
    tables = tables_of(settings.lake, settings.fields)
    return run_repair(
        settings,
        arguments,
        lambda spark, lease: replay(
            spark, settings, tables, selection, dry_run=arguments.dry_run, say=_say, lease=lease
        ),
    )


def _say(text: str) -> None:
    # Not on standard output: with --json, that is one JSON object.
    print(f"replay: {text}", file=sys.stderr, flush=True)


COMMAND = Command(
    "replay", "bring quarantined records to the events, after a fix", add_arguments, run
)
