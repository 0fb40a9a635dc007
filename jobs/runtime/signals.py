"""Signals while a part of a command runs."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled_by(handle: Handler, *signals: signal.Signals) -> Iterator[None]:
    """Let `handle` answer `signals` while the block runs. In the main thread only."""
    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does: what was started is stopped on the way out."""
    raise KeyboardInterrupt
