"""The status line on a terminal, and in a log file."""

import io

from jobs.reporting import StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_state_stays_on_one_line() -> None:
    """Each text replaces the one before, and the last one stays."""
    out = Terminal()
    line = StatusLine(out)
    line.show("put 1")
    line.show("put 2")
    line.done("put 3")
    assert out.getvalue() == "\r\x1b[2Kput 1\r\x1b[2Kput 2\r\x1b[2Kput 3\n"


def test_elsewhere_the_state_is_a_line_every_five_seconds() -> None:
    """A log file of a demo has neither control characters nor hundreds of lines."""
    out, now = io.StringIO(), [0.0]
    line = StatusLine(out, clock=lambda: now[0])
    for now[0] in (1.0, 5.0, 6.0, 11.0):
        line.show(f"put {now[0]:.0f}")
    line.done("put all")
    assert out.getvalue().splitlines() == ["put 5", "put 11", "put all"]
