"""Run the program as a user does: a process of its own, settings on the command line."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Self

from tests.support.processes import descendants
from tests.support.servers import Server

REPO = Path(__file__).parents[2]
STREAM = "events"


def settings(server: Server, lake: str, *more: str) -> list[str]:
    """`--set` options of a lake below `lake`, fed by `server`."""
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
    return subprocess.run(_command(arguments), env=_environment(), capture_output=True, text=True)


class Running:
    """A command under way, in a process group of its own, as a shell starts it; killed at the end
    of its block, if it still runs."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            _command(arguments),
            env=_environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # Read at all times: a driver whose pipe is full would wait for us.
        self._log: SimpleQueue[str | None] = SimpleQueue()
        Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.has_ended:
            self.kill()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself or by a signal."""
        return self._process.poll() is not None

    def wait_for(self, text: str) -> str:
        """Read its log up to the line that has `text`."""
        seen = []
        for line in iter(self._log.get, None):
            seen.append(line)
            if text in line:
                return line
        raise AssertionError(f"it ended without {text!r}:\n{''.join(seen[-50:])}")

    def kill(self) -> None:
        """SIGKILL to the driver and all that it started: nobody gets to say goodbye."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def kill_java(self) -> None:
        """SIGKILL to Spark's JVM alone, as by a machine that is short of memory."""
        for process in descendants(self.pid):
            with suppress(FileNotFoundError, ProcessLookupError):  # a worker that has just ended
                if "java" in Path(f"/proc/{process}/comm").read_text():
                    os.kill(process, signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The id of the driver's process, and of its process group."""
        return self._process.pid

    def end(self) -> tuple[int, str]:
        """Wait for its end; its exit code (-9 if it was killed), and its log."""
        said = "".join(iter(self._log.get, None))
        return self._process.wait(), said

    def terminate(self) -> tuple[int, str]:
        """SIGTERM to the driver alone; its exit code, and the rest of its log."""
        self._process.terminate()
        return self.end()

    def _read(self) -> None:
        """Put the log's lines where the methods find them, and None behind the last."""
        with self._process.stderr as log:
            for line in log:
                self._log.put(line)
        self._log.put(None)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", "-m", "jobs", *arguments]


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(REPO)}
