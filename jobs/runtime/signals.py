"""Handle signals while a part of a command runs."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled_by(handle: Handler, *signals: signal.Signals) -> Iterator[None]:
    """Let `handle` receive `signals` while the block runs. Only the main thread may call it."""
    before = {number: signal.signal(number, handle) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does: every context manager on the stack cleans up."""
    raise KeyboardInterrupt
