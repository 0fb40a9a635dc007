"""Start a server as a process, wait until it answers, and stop it in any case."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs.errors import SetupError

POLL_SECONDS = 0.05
# A server that waits for its clients to disconnect is killed after this time.
MAX_STOP_SECONDS = 3
MAX_SECONDS_TO_DIE = 60


def free_port() -> int:
    """A port that no process listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    url: str,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 60,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` while the block runs. The block starts when `url` answers an HTTP request.

    Raises:
        SetupError: the process ended, or did not answer within `timeout` seconds. The message
            has the last lines of its output.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            deadline = time.monotonic() + timeout
            while not answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    output = log.read().decode(errors="replace")[-2000:]
                    raise SetupError(f"{command[0]} does not answer at {url}: {output}")
                time.sleep(POLL_SECONDS)
            yield process
        finally:
            stop(process)


def answers(url: str) -> bool:
    """Whether an HTTP server answers at `url`, also with an error."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and kill it if it does not end."""
    process.terminate()
    try:
        process.wait(timeout=MAX_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(MAX_SECONDS_TO_DIE)
