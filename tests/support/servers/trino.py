"""Trino, as it runs below Athena, over Delta tables on the local disk."""

import json
import shutil
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trino

from jobs.errors import SetupError
from tests.support.java import REPO
from tests.support.made_once import made_once
from tests.support.servers.launch import free_port, running
from tests.support.waiting import wait_until

VERSION = "476"
JAVA = 25
_ARCHIVE = (
    f"https://repo1.maven.org/maven2/io/trino/trino-server/{VERSION}/trino-server-{VERSION}.tar.gz"
)
_PARTS = ("lib", "plugin/delta-lake")
_OPTIONS = (
    *("-Xmx1536M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:-OmitStackTraceInFastThrow", "-Djdk.attach.allowAttachSelf=true"),
    *("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
    *("--add-modules", "jdk.incubator.vector"),
)
_START_SECONDS = 240


def java_home() -> Path | None:
    """A Java of the version that Trino needs, where Debian and Temurin install it; or None."""
    homes = sorted(Path("/usr/lib/jvm").glob(f"*{JAVA}*"))
    return next((home for home in homes if (home / "bin/java").exists()), None)


@contextmanager
def running_trino(folder: Path) -> Iterator[Any]:
    """A connection to a Trino whose catalog `lake` is empty. Its files are in `folder`.

    Raises:
        SetupError: there is no such Java, or Trino does not start.
    """
    java = java_home()
    if java is None:
        raise SetupError(f"Trino needs Java {JAVA}: install temurin-{JAVA}-jdk or openjdk-{JAVA}")
    home = made_once(REPO / ".cache" / f"trino-{VERSION}", _download)
    port = free_port()
    _configure(folder, port)
    command = [
        *(str(java / "bin/java"), *_OPTIONS, "-cp", f"{home}/lib/*"),
        *("-Dnode.environment=test", "-Dnode.id=test", "-Dnode.internal-address=127.0.0.1"),
        *(f"-Dnode.data-dir={folder}/data", f"-Dplugin.dir={home}/plugin"),
        *(f"-Dconfig={folder}/etc/config.properties", "io.trino.server.TrinoServer"),
    ]
    ready = f"http://127.0.0.1:{port}/v1/info/state"
    connect: Any = trino.dbapi.connect
    with (
        running(command, ready, cwd=folder, timeout=_START_SECONDS),
        connect(host="127.0.0.1", port=port, user="test", catalog="lake") as connection,
    ):
        wait_until(lambda: _is_started(port), "Trino that has started", _START_SECONDS)
        yield connection


def _is_started(port: int) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/info", timeout=60) as answer:
        return not json.load(answer)["starting"]


def register(connection: Any, name: str, path: str) -> None:
    """Make the Delta table at `path` known as `lake.tables.NAME`."""
    cursor = connection.cursor()
    cursor.execute("CREATE SCHEMA IF NOT EXISTS lake.tables").fetchall()
    call = f"CALL lake.system.register_table('tables', '{name}', 'local://{path}')"
    cursor.execute(call).fetchall()


def _configure(folder: Path, port: int) -> None:
    (folder / "etc/catalog").mkdir(parents=True)
    (folder / "etc/config.properties").write_text(
        "coordinator=true\nnode-scheduler.include-coordinator=true\n"
        f"http-server.http.port={port}\ndiscovery.uri=http://127.0.0.1:{port}\n"
        "node.bind-ip=127.0.0.1\nquery.max-memory=512MB\nquery.max-memory-per-node=512MB\n"
        "memory.heap-headroom-per-node=256MB\ncatalog.management=static\n"
        f"catalog.config-dir={folder}/etc/catalog\n"
    )
    (folder / "etc/catalog/lake.properties").write_text(
        "connector.name=delta_lake\nhive.metastore=file\n"
        f"hive.metastore.catalog.dir=local://{folder}/metastore\n"
        "fs.native-local.enabled=true\nlocal.location=/\n"
        "delta.register-table-procedure.enabled=true\n"
    )


def _download(aside: Path) -> Path:
    """Keep what a catalog of Delta tables needs: 150 MB of 2 GB."""
    with (
        urllib.request.urlopen(_ARCHIVE, timeout=600) as answer,
        tarfile.open(fileobj=answer, mode="r|gz") as archive,
    ):
        archive.extractall(aside, filter="data")
    server = aside / f"trino-server-{VERSION}"
    for part in _PARTS:
        (aside / "trino" / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(server / part, aside / "trino" / part)
    return aside / "trino"
