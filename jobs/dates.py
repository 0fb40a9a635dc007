"""The ingest dates that a command works on: `--from` and `--to`, both included."""

import argparse
from datetime import date

from jobs.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --from and --to."""
    parser.add_argument(
        "--from", dest="first", type=iso_date, metavar="DATE", help="first ingest date (UTC)"
    )
    parser.add_argument("--to", dest="last", type=iso_date, metavar="DATE", help="last ingest date")


def require_order(arguments: argparse.Namespace) -> None:
    """Raise ConfigError where --from is after --to."""
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise ConfigError(f"--from {arguments.first} is after --to {arguments.last}")


def iso_date(text: str) -> date:
    """`2026-01-31`, for `argparse`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"wanted a date like 2026-01-31, but got {text!r}"
        ) from None
