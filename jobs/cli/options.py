"""Options that several commands share, and the types of their values."""

import argparse
import re
from datetime import date, timedelta

from jobs.errors import ConfigError


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add --config, --set and --verbose."""
    parser.add_argument("--config", metavar="FILE", help="settings as TOML; see conf/")
    parser.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="one setting; overrides the file and the environment",
    )
    parser.add_argument(
        "--verbose", action="store_true", help="log more, and print the stack trace of an error"
    )


def add_date_options(
    parser: argparse.ArgumentParser, of: str = "ingest date", required: bool = False
) -> None:
    """Add --from and --to, both inclusive, which are dates `of` this kind."""
    for name, end in (("--from", "first"), ("--to", "last")):
        parser.add_argument(
            name,
            dest=end,
            type=iso_date,
            required=required,
            metavar="DATE",
            help=f"{end} {of} (UTC)",
        )


def require_date_order(arguments: argparse.Namespace) -> None:
    """Raise ConfigError if --from is after --to."""
    if arguments.first and arguments.last and arguments.first > arguments.last:
        raise ConfigError(f"--from {arguments.first} is after --to {arguments.last}")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print the report as a JSON object")


def add_mix_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe synthetic records."""
    parser.add_argument(
        "--names", type=positive, default=100, metavar="N", help="different event names (100)"
    )
    for names, default, meaning in (
        (("--duplicates", "--twins"), 0.05, "records that repeat the identity of an event"),
        (("--late",), 0.01, "events that were created hours or days ago"),
        (("--broken",), 0.01, "records that are no valid events"),
    ):
        parser.add_argument(
            names[0],
            type=share,
            default=default,
            metavar="SHARE",
            help=f"{meaning} ({default:.0%})".replace("%", "%%"),
        )
        for former in names[1:]:  # the name of an earlier release
            parser.add_argument(
                former, type=share, dest=names[0].lstrip("-"), help=argparse.SUPPRESS
            )


def iso_date(text: str) -> date:
    """`2026-01-31`"""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date like 2026-01-31, got {text!r}") from None


def positive(text: str) -> int:
    """`50_000` or `50,000` -> 50000. At least 1."""
    if not re.fullmatch(r"[0-9][0-9_,]*", text) or not int(re.sub("[_,]", "", text)):
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, got {text!r}")
    return int(re.sub("[_,]", "", text))


def row_count(text: str) -> int:
    """`50` -> 50. At least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number of rows, got {text!r}")
    return int(text)


def share(text: str) -> float:
    """`5%` -> 0.05"""
    if not re.fullmatch(r"\d+(\.\d+)?%", text):
        raise argparse.ArgumentTypeError(f"expected a share like 5%, got {text!r}")
    return float(text.rstrip("%")) / 100


def duration(text: str) -> timedelta:
    """`10 minutes`"""
    from jobs.config import parse_duration

    try:
        return parse_duration(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
