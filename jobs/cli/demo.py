"""Command `demo`: the whole way on this machine."""

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.options import add_mix_options, positive

if TYPE_CHECKING:
    from jobs.config import Settings

# Small batches and a short window: a minute shows what takes an hour elsewhere.
_DEFAULTS = {
    "source": {"stream": "demo", "max_records_per_batch": 20_000},
    "lake": {name: f"unused/{name}" for name in ("raw", "processed", "checkpoints")},
    "stream": {"trigger": "2 seconds"},
    "once": {"window": "1 minute", "max_future": "10 seconds"},
    "fields": {
        "user_id": {"path": "$.user_id", "type": "bigint"},
        "platform": {"path": "$.platform", "type": "string"},
        "amount": {"path": "$.details.amount", "type": "decimal(12,2)"},
        "currency": {"path": "$.details.currency", "type": "string"},
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `demo`."""
    parser.add_argument(
        "--events", type=positive, default=60_000, metavar="N", help="records to put (60,000)"
    )
    parser.add_argument(
        "--dir",
        default="event-lake-demo",
        metavar="DIR",
        help="folder of the lake (./event-lake-demo)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="other records (1)")
    add_mix_options(parser)


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Run the demo. Return 0 if all numbers agree, 1 if not, 130 if a signal ended it."""
    from jobs.demo import run_demo
    from jobs.generator import Mix

    if not arguments.verbose:
        logging.getLogger().setLevel(logging.ERROR)
    mix = Mix(
        names=arguments.names,
        duplicates=arguments.duplicates,
        late=arguments.late,
        broken=arguments.broken,
        seed=arguments.seed,
    )
    folder = Path(arguments.dir).resolve()
    return run_demo(settings, folder, mix, arguments.events, quiet=not arguments.verbose)


COMMAND = Command(
    "demo",
    "everything on this machine: a Kinesis server, events, the whole way, a query",
    add_arguments,
    run,
    _DEFAULTS,
)
