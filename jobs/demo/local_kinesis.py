"""A Kinesis server for the demo: moto's, on loopback, in a process of its own.

The process reads a pipe that only we hold open, so it ends when we do, however we end; a Ctrl-C
in the terminal does not reach it, because readers and producers still need it to end in order.
"""

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from jobs.errors import MachineError

_HOST = "127.0.0.1"
_REPO = str(Path(__file__).parents[2])
# Any will do for the server, and none of the user's may leave this machine.
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "demo",
    "AWS_SECRET_ACCESS_KEY": "demo",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_NOT_FOR_THE_DEMO = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
_STOP_SECONDS = 10


@contextmanager
def kinesis() -> Iterator[str]:
    """Run the server while the block runs; gives its URL.

    Raises:
        MachineError: moto is not installed, or the server does not start.
    """
    if any(find_spec(package) is None for package in ("moto", "flask", "flask_cors")):
        raise MachineError(
            "the demo needs moto as its Kinesis: run it by ./spark-submit.sh demo, or install the "
            "extra: pip install 'event-lake[demo]'"
        )
    search = [_REPO, *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "jobs.demo.local_kinesis"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(search)},
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
                said = log.read().decode(errors="replace").strip().splitlines()
                raise MachineError(f"moto's server does not start: {' '.join(said[-1:])}")
            yield f"http://{_HOST}:{port}"
        finally:
            _stop(process)


def use_demo_credentials() -> None:
    """For this process and all that it starts from now on: no AWS account, no proxy."""
    for name in _NOT_FOR_THE_DEMO:
        os.environ.pop(name, None)
    os.environ.update(_CREDENTIALS)
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), _HOST]))


def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _serve() -> None:
    """The server's process: tells its port, and runs until the pipe is closed."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(_HOST, port=0, verbose=False)
    server.start()
    print(server.get_host_and_port()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
