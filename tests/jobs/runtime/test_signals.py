"""Signals are handled while a block runs."""

import os
import signal

import pytest

from jobs.runtime.signals import handled_by, interrupt


def test_a_signal_is_handled_in_the_block_only() -> None:
    """After it the previous handler is back, also if the block fails."""
    received: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)

    def fail_after_two_signals() -> None:
        with handled_by(lambda number, _: received.append(number), signal.SIGUSR1, signal.SIGUSR2):
            os.kill(os.getpid(), signal.SIGUSR1)
            os.kill(os.getpid(), signal.SIGUSR2)
            raise RuntimeError("failed")

    with pytest.raises(RuntimeError, match="failed"):
        fail_after_two_signals()
    assert received == [signal.SIGUSR1, signal.SIGUSR2]
    assert signal.getsignal(signal.SIGUSR1) == before


def test_an_interrupt_ends_the_block_like_ctrl_c() -> None:
    """Python runs the handler in the main thread, before the next statement."""
    with pytest.raises(KeyboardInterrupt), handled_by(interrupt, signal.SIGUSR1):
        os.kill(os.getpid(), signal.SIGUSR1)
