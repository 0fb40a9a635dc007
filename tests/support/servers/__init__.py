"""Kinesis servers on loopback for tests and benchmarks, each as a context manager.

| server | use | note |
|---|---|---|
| `fake_kinesis` | faults, limits, retention, volume | written for this project |
| `moto_server` | Kinesis, S3, Glue, DynamoDB in one | one producer; no null iterators |
| `kinesis_local` | an independent Kinesis with correct reshards | needs Node.js; 1,000 records/s |
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.errors import SetupError
from tests.support.made_once import made_once
from tests.support.servers.fake_control import FakeKinesis
from tests.support.servers.launch import free_port, running
from tests.support.servers.server import Server

REPO = Path(__file__).parents[3]
CACHE = REPO / ".cache"
KINESIS_LOCAL_VERSION = "0.6.2"
LOOPBACK_ONLY = Path(__file__).with_name("loopback.cjs")

__all__ = ["FakeKinesis", "Server", "deadly_moto", "fake_kinesis", "kinesis_local", "moto_server"]


@contextmanager
def fake_kinesis(*, own_process: bool = False) -> Iterator[FakeKinesis]:
    """The fake Kinesis, in a thread of this process or, for benchmarks, in its own process."""
    if own_process:
        port = free_port()
        command = [sys.executable, "-m", "tests.support.servers.kinesis_fake", "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        with running(command, url, cwd=REPO):
            yield FakeKinesis("fake", url)
    else:
        # Imported here, because `python -m` would import the module twice.
        from tests.support.servers.kinesis_fake import in_thread

        with in_thread() as fake:
            yield fake


@contextmanager
def moto_server() -> Iterator[Server]:
    """moto's server, with correct reshards of Kinesis streams; see `moto_kinesis`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "tests.support.servers.moto_kinesis",
        "-H",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    with running(command, url, cwd=REPO):
        yield Server("moto", url)


@contextmanager
def deadly_moto() -> Iterator[Server]:
    """moto's server, which kills its client at a given request; see `deadly_moto`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.support.servers.deadly_moto", "--port", str(port)]
    with running(command, url, cwd=REPO):
        yield Server("moto", url)


@contextmanager
def kinesis_local() -> Iterator[Server]:
    """kinesis-local (kinesis-mock). The first call installs it with npm into `.cache`.

    It listens on loopback only, with HTTP, and with HTTPS and a certificate of its own.

    Raises:
        SetupError: Node.js is missing, or npm cannot install the package.
    """
    main = _installed_kinesis_local()
    port, tls_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    steps = ("CREATE_STREAM", "DELETE_STREAM", "MERGE_SHARDS", "SPLIT_SHARD", "UPDATE_SHARD_COUNT")
    env = {
        "KINESIS_MOCK_PLAIN_PORT": str(port),
        "KINESIS_MOCK_TLS_PORT": str(tls_port),
        "SHARD_LIMIT": "1000",
        "LOG_LEVEL": "ERROR",
        **{f"{step}_DURATION": "20ms" for step in steps},
    }
    command = ["node", "--require", str(LOOPBACK_ONLY), str(main)]
    with running(command, f"{url}/healthcheck", env=env, cwd=main.parent):
        yield Server("kinesis-local", url, tls_port)


def missing_for_kinesis_local() -> str | None:
    """The reason why `kinesis_local` cannot run here, or None. In CI (`CI=true`) it must run."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if not missing or os.environ.get("CI") == "true":
        return None
    return f"kinesis-local needs {' and '.join(missing)} (Node.js 18 or newer) on the PATH"


def _installed_kinesis_local() -> Path:
    if shutil.which("node") is None:
        raise SetupError("kinesis-local needs Node.js 18 or newer; install node and npm")

    def install(aside: Path) -> Path:
        _npm_install(f"kinesis-local@{KINESIS_LOCAL_VERSION}", aside)
        return aside / "node_modules"

    home = CACHE / f"kinesis-local-{KINESIS_LOCAL_VERSION}"
    return made_once(home / "node_modules", install) / "kinesis-local" / "main.js"


def _npm_install(package: str, prefix: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError(f"npm is missing; install Node.js with npm, which installs {package}")
    command = [npm, "install", "--prefix", str(prefix), "--no-audit", "--no-fund", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"`{' '.join(command)}` failed: {done.stderr.strip()[-500:]}")
