"""Show the progress of a command while it works."""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

_SECONDS_BETWEEN_LINES = 5.0


class StatusLine:
    """The newest state of a command.

    On a terminal it stays on one line. Elsewhere, as in a file or in CI, a line is printed at most
    every five seconds.
    """

    def __init__(
        self, out: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Show the state on `out`, by default standard output."""
        self._out = out or sys.stdout
        self._clock = clock
        self._is_terminal = self._out.isatty()
        self._shown_at = clock()
        self._shown = ""

    def show(self, text: str) -> None:
        """Replace the state that is shown with `text`."""
        if self._is_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._out.write(f"\r\x1b[2K{text[:width]}")
            self._out.flush()
        elif self._clock() - self._shown_at >= _SECONDS_BETWEEN_LINES:
            self._shown_at = self._clock()
            self._print(text)

    def done(self, text: str) -> None:
        """Show `text` as the last state, which stays."""
        if self._is_terminal:
            self._out.write("\r\x1b[2K")
        self._print(text)

    def _print(self, text: str) -> None:
        if text != self._shown:
            print(text, file=self._out, flush=True)
        self._shown = text
