"""Command `generate`: put synthetic records on a stream."""

import argparse
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from jobs.cli.command import Command
from jobs.cli.options import add_mix_options, duration, positive

if TYPE_CHECKING:
    from jobs.config import Settings
    from jobs.generator import Feed

# `generate` only writes to the stream, so its configuration need not name a lake.
_DEFAULTS = {"lake": {name: f"unused/{name}" for name in ("raw", "processed", "checkpoints")}}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `generate`."""
    parser.add_argument("--events", type=positive, metavar="N", help="records to put (no end)")
    parser.add_argument(
        "--duration", type=duration, metavar="TIME", help='such as "10 minutes" (no end)'
    )
    parser.add_argument(
        "--rate",
        type=positive,
        default=1000,
        metavar="N",
        help="records per second, at most (1000)",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="repeats an earlier choice of records (random)"
    )
    parser.add_argument(
        "--create-stream",
        type=positive,
        metavar="SHARDS",
        help="create the stream if it does not exist",
    )
    add_mix_options(parser)


def run(settings: "Settings", arguments: argparse.Namespace) -> int:
    """Put records until a limit or a signal ends it, then print what the tables must contain."""
    from jobs.generator import Feed, Mix, Producer, tally_lines
    from jobs.reporting import StatusLine

    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    mix = Mix(
        names=arguments.names,
        duplicates=arguments.duplicates,
        late=arguments.late,
        broken=arguments.broken,
        seed=seed,
    )
    producer = Producer(settings.source)
    if arguments.create_stream:
        producer.create_stream(arguments.create_stream)
    feed = Feed(producer.put, mix, arguments.rate, arguments.events, arguments.duration)
    line = StatusLine()
    goal = f" of {arguments.events:,}" if arguments.events else ""
    try:
        with _ended_by_signal(feed):
            stream = settings.source.stream
            print(f"putting records on stream '{stream}', seed {seed}; Ctrl-C ends it", flush=True)
            feed.run(
                lambda: line.show(f"put {feed.tally.of():,}{goal}, {feed.rate_so_far():,.0f}/s")
            )
    finally:
        if feed.tally.of():
            line.done("\n".join(tally_lines(feed.tally)))
    return 0


@contextmanager
def _ended_by_signal(feed: "Feed") -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the feed after its current call, the second at once."""
    from jobs.runtime import handled_by

    def handle(number: int, frame: FrameType | None) -> None:
        if feed.stopping.is_set():
            raise KeyboardInterrupt
        feed.stop()

    with handled_by(handle, signal.SIGINT, signal.SIGTERM):
        yield


COMMAND = Command("generate", "put synthetic records on a stream", add_arguments, run, _DEFAULTS)
