"""The dates that a command works on: `--from` and `--to`, both included."""

import argparse
from datetime import date

from jobs.errors import ConfigError


def add_arguments(
    parser: argparse.ArgumentParser, of: str = "ingest date", required: bool = False
) -> None:
    """Add --from and --to, which are dates `of` this kind."""
    for name, end in (("--from", "first"), ("--to", "last")):
        parser.add_argument(
            name,
            dest=end,
            type=_iso_date,
            required=required,
            metavar="DATE",
            help=f"{end} {of} (UTC)",
        )


def require_order(arguments: argparse.Namespace) -> None:
    """Raise ConfigError where --from is after --to."""
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise ConfigError(f"--from {arguments.first} is after --to {arguments.last}")


def _iso_date(text: str) -> date:
    """`2026-01-31`, for `argparse`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"wanted a date like 2026-01-31, but got {text!r}"
        ) from None
