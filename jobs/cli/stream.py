"""Commands `stream`, `ingest` and `process`: both queries, or one of them."""

import argparse
import signal
from functools import partial
from typing import TYPE_CHECKING

from jobs.cli.command import Command

if TYPE_CHECKING:
    from jobs.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --once."""
    parser.add_argument(
        "--once",
        "--available-now",
        dest="available_now",
        action="store_true",
        help="process what is there now, then stop",
    )


def run(settings: "Settings", arguments: argparse.Namespace, queries: tuple[str, ...]) -> int:
    """Run `queries` until a signal or, with --once, until they have caught up."""
    from jobs.config import Query
    from jobs.streaming import Run

    stopped_by = (signal.SIGINT, signal.SIGTERM)
    Run(settings, arguments.available_now, stopped_by=stopped_by).start([*map(Query, queries)])
    return 0


COMMANDS = tuple(
    Command(name, help_text, add_arguments, partial(run, queries=queries))
    for name, help_text, queries in (
        (
            "stream",
            "both queries: the stream into raw, raw into events and quarantine",
            ("ingest", "process"),
        ),
        ("ingest", "the stream into raw, nothing more", ("ingest",)),
        ("process", "raw into events and quarantine", ("process",)),
    )
)
