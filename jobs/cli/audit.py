"""Command `audit`: prove from the tables that nothing is lost and nothing is stored twice."""

import argparse
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.options import add_date_options, add_json_option, require_date_order, row_count
from jobs.cli.repair import print_report

if TYPE_CHECKING:
    from jobs.config import Settings

_SAMPLES = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `audit`."""
    add_date_options(parser)
    add_json_option(parser)
    parser.add_argument(
        "--samples",
        type=row_count,
        default=_SAMPLES,
        metavar="N",
        help=f"rows to print for each violation (default {_SAMPLES})",
    )
    parser.add_argument(
        "--drained",
        action="store_true",
        help="count records that `process` has not read yet as lost",
    )


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Print the report. Return 0 if the tables are clean, else the code of IntegrityError."""
    from jobs.audit import verify_tables
    from jobs.config import Query
    from jobs.errors import IntegrityError
    from jobs.lake import tables_of
    from jobs.runtime import build_session

    require_date_order(arguments)
    report = verify_tables(
        build_session(settings),
        tables_of(settings.lake, settings.fields),
        arguments.first,
        arguments.last,
        fields=settings.fields,
        checkpoint=None if arguments.drained else settings.lake.checkpoint(Query.PROCESS),
        form=settings.format,
        canonical_uuid=settings.once.canonical_uuid,
        samples=arguments.samples,
    )
    print_report(report, as_json=arguments.json)
    return 0 if report.is_clean else IntegrityError.exit_code


COMMAND = Command(
    "audit",
    "prove from the tables that nothing is lost and nothing is stored twice",
    add_arguments,
    run,
)
