"""`generate`: put synthetic events on a stream, and tell in the end what the tables must hold."""

import argparse
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from textwrap import fill
from types import FrameType

from jobs.config import loader as config
from jobs.errors import ConfigError
from jobs.generator.producer import MOST_RECORDS, Producer
from jobs.generator.traffic import Mix, Record, Tally, records
from jobs.reporting.status_line import StatusLine
from jobs.runtime.signals import handled_by

# `generate` writes to the stream only, so its configuration need not name a lake.
_NO_LAKE: config.Tree = {
    "lake": {name: f"unused/{name}" for name in ("raw", "processed", "checkpoints")}
}
# At a low rate, a call sends what comes together in this time.
_SECONDS_OF_A_CALL = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `generate`."""
    parser.add_argument("--events", type=count, metavar="N", help="records to put (no end)")
    parser.add_argument(
        "--duration", type=duration, metavar="TIME", help='such as "10 minutes" (no end)'
    )
    parser.add_argument(
        "--rate", type=count, default=1000, metavar="N", help="records a second, at most (1000)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the same choices again (random)")
    parser.add_argument(
        "--create-stream", type=count, metavar="SHARDS", help="make the stream where it is missing"
    )
    add_mix_arguments(parser)


def add_mix_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that say what the records are like."""
    parser.add_argument(
        "--names", type=count, default=100, metavar="N", help="different event names (100)"
    )
    for name, default, meaning in (
        ("twins", 0.05, "records that repeat an event's identity"),
        ("late", 0.01, "events that were created hours or days ago"),
        ("broken", 0.01, "records that are no events"),
    ):
        parser.add_argument(
            f"--{name}",
            type=share,
            default=default,
            metavar="SHARE",
            help=f"{meaning} ({default:.0%})".replace("%", "%%"),
        )


def count(text: str) -> int:
    """`50_000` -> 50000. Not less than 1."""
    if not re.fullmatch(r"[0-9][0-9_,]*", text) or not int(re.sub("[_,]", "", text)):
        raise argparse.ArgumentTypeError(f"wanted a number of 1 or more, but got {text!r}")
    return int(re.sub("[_,]", "", text))


def share(text: str) -> float:
    """`5%` -> 0.05"""
    if not re.fullmatch(r"\d+(\.\d+)?%", text):
        raise argparse.ArgumentTypeError(f"wanted a share like 5%, but got {text!r}")
    return float(text.rstrip("%")) / 100


def duration(text: str) -> timedelta:
    """`10 minutes` -> 10 minutes"""
    try:
        return config.duration(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Put records until a limit or a signal ends it.

    Raises:
        ConfigError: a setting or an option cannot be.
        SourceError: the stream is missing, forbidden, unreachable, or refuses for too long.
    """
    source = config.load(arguments.config, arguments.overrides, defaults=_NO_LAKE).source
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    mix = mix_of(arguments, seed)
    producer = Producer(source)
    if arguments.create_stream:
        producer.create_stream(arguments.create_stream)
    feed = Feed(producer.put, mix, arguments.rate, arguments.events, arguments.duration)
    line = StatusLine()
    goal = f" of {arguments.events:,}" if arguments.events else ""
    begins = f"putting records on stream '{source.stream}', seed {seed}; Ctrl-C ends it"
    try:
        with _ended_by_signal(feed):
            print(begins, flush=True)
            feed.run(
                lambda: line.show(f"put {feed.tally.of():,}{goal}, {feed.rate_so_far():,.0f}/s")
            )
    finally:
        if feed.tally.of():
            line.done(summary(feed.tally))
    return 0


def mix_of(arguments: argparse.Namespace, seed: int) -> Mix:
    """What the options of `add_mix_arguments` say."""
    return Mix(
        names=arguments.names,
        twins=arguments.twins,
        late=arguments.late,
        broken=arguments.broken,
        seed=seed,
    )


@dataclass
class Feed:
    """Synthetic records into `put`, at a steady rate, until there are enough or it is stopped.

    `tally` counts what `put` has taken, so it is exact whenever and however the feed ends.
    """

    put: Callable[[Sequence[Record]], None]
    mix: Mix
    rate: int
    limit: int | None = None
    duration: timedelta | None = None
    clock: Callable[[], float] = time.monotonic
    tally: Tally = field(default_factory=Tally)
    stopping: threading.Event = field(default_factory=threading.Event)
    _started: float = field(default=0.0, init=False)

    def stop(self) -> None:
        """End behind the records that are under way. From any thread, or a signal handler."""
        self.stopping.set()

    def rate_so_far(self) -> float:
        """Records a second since the start."""
        return self.tally.of() / max(self.clock() - self._started, 0.001)

    def run(self, on_progress: Callable[[], None]) -> None:
        """Put all records; `on_progress` is called after each call to the stream."""
        self._started = self.clock()
        stream = islice(records(self.mix, now_ms), self.limit)
        at_once = max(1, min(MOST_RECORDS, int(self.rate * _SECONDS_OF_A_CALL)))
        while not self._is_over():
            batch = list(islice(stream, at_once))
            if not batch:
                return
            self.put(batch)
            self.tally.add(batch)
            on_progress()
            due = self._started + self.tally.of() / self.rate
            self.stopping.wait(max(0.0, due - self.clock()))

    def _is_over(self) -> bool:
        elapsed = timedelta(seconds=self.clock() - self._started)
        return self.stopping.is_set() or (self.duration is not None and elapsed >= self.duration)


def now_ms() -> int:
    """This moment, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def summary(tally: Tally) -> str:
    """What was put, and so what the tables must hold."""
    on_time, late = tally.of("event"), tally.of("late")
    lines = [
        f"put {tally.of():,} records:",
        _kinds(tally.identities, "events", {"on time": on_time, "late": late}),
        _kinds(tally.of("twin"), "twins", tally.kinds("twin")),
        _kinds(tally.of("broken"), "broken", tally.reasons),
    ]
    return "\n".join(lines)


def _kinds(total: int, name: str, kinds: dict[str, int]) -> str:
    """`    3,092 twins: 1,546 same bytes, 1,546 other payload`"""
    # textwrap does not break at a no-break space.
    told = [f"{number:,} {kind}".replace(" ", "\xa0") for kind, number in kinds.items() if number]
    text = f"{total:>9,} {name}" + (f": {', '.join(told)}" if told else "")
    return fill(text, width=100, subsequent_indent=" " * 10).replace("\xa0", " ")


@contextmanager
def _ended_by_signal(feed: Feed) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM ends the feed behind its call, the second at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if feed.stopping.is_set():
            raise KeyboardInterrupt
        feed.stop()

    with handled_by(handle, signal.SIGINT, signal.SIGTERM):
        yield
