"""Run the program as a user does: in a process of its own, with settings on the command line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Self

from tests.support.processes import descendants
from tests.support.servers import Server

REPO = Path(__file__).parents[2]
STREAM = "events"
# No command of a test or of a benchmark takes longer to its end, or to its next awaited log line.
MAX_SECONDS = 1800
MAX_SECONDS_TO_A_LINE = 600


def settings(server: Server, lake: str, *more: str) -> list[str]:
    """`--set` options of a lake below `lake`, whose stream is on `server`."""
    chosen = (
        f"source.stream={STREAM}",
        f"source.endpoint_url={server.url}",
        f"lake.raw={lake}/raw",
        f"lake.processed={lake}/processed",
        f"lake.checkpoints={lake}/checkpoints",
        "stream.trigger=1 second",
        *more,
    )
    return [word for setting in chosen for word in ("--set", setting)]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        _command(arguments),
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
    )


class Running:
    """A running command, in a process group of its own as in a shell.

    `lines` has the log so far. If it still runs at the end of the block, it is killed. `launcher`
    and `environment` replace `python -m jobs` and our environment.
    """

    def __init__(
        self,
        *arguments: str,
        launcher: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [str(launcher), *arguments] if launcher else _command(arguments),
            env=_environment() if environment is None else environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stderr is not None
        # The log is read all the time: a driver whose pipe is full would block.
        self._log: SimpleQueue[str | None] = SimpleQueue()
        self.lines: list[str] = []
        Thread(target=self._read, args=(self._process.stderr,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.has_ended:
            self.kill()

    @property
    def has_ended(self) -> bool:
        """True if it has ended, by itself or by a signal."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The id of the driver's process, and of its process group."""
        return self._process.pid

    def wait_for(self, text: str, seconds: float = MAX_SECONDS_TO_A_LINE) -> str:
        """Read the log up to the line that contains `text`, and return that line."""
        seen: list[str] = []
        deadline = time.monotonic() + seconds
        while (line := self._next_line(deadline, text, seen)) is not None:
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended without {text!r}:\n{''.join(seen[-50:])}")

    def kill(self) -> None:
        """Send SIGKILL to the driver and to every process that it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(MAX_SECONDS)

    def kill_java(self) -> None:
        """Send SIGKILL to Spark's JVM alone, as a machine does that runs out of memory."""
        for process in descendants(self.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # a worker that has just ended
                if "java" in Path(f"/proc/{process}/comm").read_text():
                    os.kill(process, signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Wait for the end. Return the exit code (-9 after SIGKILL) and the rest of the log."""
        rest: list[str] = []
        deadline = time.monotonic() + MAX_SECONDS
        while (line := self._next_line(deadline, "the end of the log", rest)) is not None:
            rest.append(line)
        return self._process.wait(MAX_SECONDS), "".join(rest)

    def terminate(self) -> tuple[int, str]:
        """Send SIGTERM to the driver alone. Return the exit code and the rest of the log."""
        self._process.terminate()
        return self.end()

    def _next_line(self, deadline: float, awaited: str, seen: list[str]) -> str | None:
        """The next line of the log, or None at its end."""
        try:
            return self._log.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise AssertionError(f"no {awaited!r} in time:\n{''.join(seen[-50:])}") from None

    def _read(self, log: IO[str]) -> None:
        """Put the lines of the log where the methods find them, and None at its end."""
        with log:
            for line in log:
                self.lines.append(line)
                self._log.put(line)
        self._log.put(None)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", "-m", "jobs", *arguments]


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(REPO)}
