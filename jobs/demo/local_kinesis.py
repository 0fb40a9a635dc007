"""A Kinesis server for the demo, on loopback, in a process of its own.

The server reads a pipe that only this process holds open, so it ends with this process, however
that ends. Ctrl-C in the terminal does not reach the server: readers and producers need it until
they have stopped.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from jobs.demo.kinesis_server import HOST
from jobs.errors import SetupError

_SERVER = Path(__file__).with_name("kinesis_server.py")
# The server accepts any credentials, and those of the user must not leave this machine.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_NOT_FOR_THE_DEMO = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_STOP_SECONDS = 10


@contextmanager
def local_kinesis() -> Iterator[str]:
    """Run the server while the block runs. Yields its URL.

    Raises:
        SetupError: moto is not installed, or the server does not start.
    """
    if any(find_spec(package) is None for package in ("moto", "flask", "flask_cors")):
        raise SetupError(
            "the demo needs moto as its Kinesis server. Run it by ./spark-submit.sh demo, or "
            "install the extra: pip install 'event-lake[demo]'"
        )
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", str(_SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            port = process.stdout.readline().decode().strip()
            if not port:
                log.seek(0)
                lines = log.read().decode(errors="replace").strip().splitlines()
                raise SetupError(f"moto's server does not start: {' '.join(lines[-1:])}")
            yield f"http://{HOST}:{port}"
        finally:
            _stop(process)


def use_demo_credentials() -> None:
    """Keep this process, and all that it starts from now on, away from AWS and from proxies."""
    for name in _NOT_FOR_THE_DEMO:
        os.environ.pop(name, None)
    os.environ.update(_CREDENTIALS)
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), HOST]))


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
