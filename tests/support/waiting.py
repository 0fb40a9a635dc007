"""Wait for another thread or process, with a deadline."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.05


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Check `condition` again and again until it is true.

    Raises:
        AssertionError: it is not true after `seconds`; the message contains `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {seconds} s"
        time.sleep(_POLL_SECONDS)
