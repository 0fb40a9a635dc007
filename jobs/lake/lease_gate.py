"""When the blocks of a program may commit: the side of a lease that the program's threads see."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from jobs.errors import LakeError
from jobs.lake.conditional_object import may_pass

# Of the duration: a commit begins only if this much is left, and all work stops if less is left.
_SPARE = 1 / 2
_LAST = 1 / 6
_TICK = 1 / 12


def boot_time() -> float:
    """Seconds since the machine was started, those that it slept included.

    `time.monotonic` stops on Linux while the machine sleeps.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class GivenUpError(Exception):
    """The program was stopped while a block waited for the lease. The block has not begun."""


class LeaseGate:
    """Lets blocks run while the lease is held. All times are seconds of `clock`."""

    def __init__(
        self,
        name: str,
        duration: timedelta,
        max_wait: timedelta,
        clock: Callable[[], float],
        look: Callable[[], None],
    ) -> None:
        """Make a gate that is closed.

        Args:
            name: the lease, for errors.
            max_wait: the longest time that a block waits.
            look: reads the lease, and calls `open`, `close` and `fail` as it is now.
        """
        self._look = look
        self._name, self._duration, self._max_wait = name, duration.total_seconds(), max_wait
        self._clock = clock
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._valid_until: float | None = None  # None: another program, or nobody, holds the lease
        self._running = 0
        self._waiting = 0
        self._is_asked = False  # another program asks for the lease
        self._was_used = False  # a block has run since the lease was taken
        self._has_ended = False
        self._without_waiting = 0
        self._error: Exception | None = None
        self._holder = ""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until the lease is held, and hold it during the block, which may commit.

        Raises:
            LakeError: S3 refuses, or another program keeps the lease too long.
            GivenUpError: it would have to wait, and the program is being stopped.
        """
        self._enter()
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._was_used = True
                if self._is_asked:
                    self._wake.set()

    def require(self) -> None:
        """Read the lease, and raise LakeError unless it is held with time to spare.

        Call it before a commit: a machine whose clock stood still finds here that it is gone.
        """
        while True:
            self._look()
            with self._changed:
                is_held = self._running > 0 and not self._has_ended and self._error is None
                if is_held and self._left() >= self._duration * _SPARE:
                    return
                is_final = self._error is not None and not may_pass(self._error)
                if is_final or not self._running or self._left() <= self._duration * _LAST:
                    cause = self._cause()
                    break
                self._changed.wait(self._duration * _TICK)  # a request failed, or is late
        raise LakeError(
            f"the lease {self._name} was not renewed in time{cause}: another program may write the "
            "lake by now, so nothing more is committed. Start again; what was not committed is "
            "done again"
        )

    def stop_waiting(self) -> None:
        """Let no block wait from now on. A signal handler may call it."""
        with self._changed:
            self._without_waiting += 1
            self._changed.notify_all()

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Let no block wait while this one runs."""
        self.stop_waiting()
        try:
            yield
        finally:
            with self._changed:
                self._without_waiting -= 1

    def is_awaited(self) -> bool:
        """True if a block waits for the lease, and none runs."""
        with self._changed:
            return self._waiting > 0 and self._running == 0

    def is_wanted(self) -> bool:
        """True if a block waits for the lease."""
        with self._changed:
            return self._waiting > 0

    def is_expiring(self) -> bool:
        """True if blocks run, and the time that is left is too short for them to end."""
        with self._changed:
            return self._running > 0 and self._left() < self._duration * _LAST

    def is_idle(self) -> bool:
        """True if no block runs."""
        with self._changed:
            return self._running == 0

    def left(self) -> float:
        """The seconds for which the lease is still held."""
        with self._changed:
            return self._left()

    def open(self, sent: float) -> bool:
        """Let blocks run: a renewal that was sent at this time succeeded. True if it was closed."""
        with self._changed:
            if self._has_ended:
                return False
            was_closed = self._valid_until is None
            self._valid_until = sent + self._duration
            self._changed.notify_all()
            return was_closed

    def close(self, holder: str = "") -> None:
        """Let no block begin: `holder` has the lease now."""
        with self._changed:
            self._valid_until, self._holder = None, holder
            self._is_asked = self._was_used = False

    def close_if_due(self, *, is_asked: bool) -> bool:
        """Close the gate if another program asks for the lease, and it is its turn.

        That is, no block runs, and one has run since the lease was taken, or none waits.
        """
        with self._changed:
            self._is_asked = is_asked
            is_due = is_asked and not self._running and (self._was_used or not self._waiting)
            if is_due:
                self.close()
            return is_due

    def fail(self, error: Exception | None) -> None:
        """Note why the lease cannot be read or written; None: it could be."""
        with self._changed:
            is_news = error is not None and not may_pass(error)
            self._error = error
            if is_news:
                self._changed.notify_all()

    def end(self) -> None:
        """Close the gate for good."""
        with self._changed:
            self._has_ended = True
            self.close()
            self._changed.notify_all()
            self._wake.set()

    def pause(self) -> None:
        """Wait a moment, or until a block needs the lease, or no longer needs it."""
        self._wake.wait(self._duration * _TICK)
        self._wake.clear()

    def _enter(self) -> None:
        deadline = self._clock() + self._max_wait.total_seconds()
        with self._changed:
            self._waiting += 1
            self._wake.set()
            try:
                while not self._may_begin():
                    self._require_hope(deadline)
                    self._changed.wait(self._duration * _TICK)
                self._running += 1
            finally:
                self._waiting -= 1

    def _may_begin(self) -> bool:
        """Once another program asks for the lease, no block begins but the first ones."""
        is_next = not self._has_ended and (not self._is_asked or not self._was_used)
        return is_next and self._left() >= self._duration * _SPARE

    def _require_hope(self, deadline: float) -> None:
        if self._without_waiting:
            raise GivenUpError(f"the lease {self._name} is no longer waited for")
        if self._has_ended:
            raise LakeError(f"the lease {self._name} was given back")
        if self._error is not None and not may_pass(self._error):
            raise LakeError(str(self._error)) from self._error
        if self._clock() > deadline:
            raise LakeError(
                f"the lease {self._name} was not free within {self._max_wait}{self._cause()}. Stop "
                "the program that holds it, or wait for its end"
            )

    def _left(self) -> float:
        return 0.0 if self._valid_until is None else self._valid_until - self._clock()

    def _cause(self) -> str:
        if self._error is not None:
            return f" ({self._error})"
        return f"; {self._holder} holds it" if self._holder else ""
