"""A checkout for each test of the launcher, with stubs for Java, Spark, the archives and the jobs.

The folder has a space in its name. The set-up is done, unless a test undoes it.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]

# The programs of the system that the launcher may use: neither Python nor Java.
TOOLS = (
    *("basename", "bash", "cat", "cksum", "dirname", "env", "grep", "head", "mkdir", "mv", "paste"),
    *("readlink", "rm", "sed", "sh", "tail", "tr", "uname"),
)

# Replaces the jobs: it prints its arguments and its environment.
JOBS_MAIN = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}))
"""

# Replaces the building of the archives: it writes its arguments.
ARCHIVES = """
import sys
from pathlib import Path
Path(sys.argv[2], "archives").write_text(" ".join(sys.argv[3:]))
"""


@dataclass(frozen=True)
class Started:
    """The arguments and the environment of the started jobs."""

    arguments: list[str]
    environment: dict[str, str]

    def spark_options(self) -> list[str]:
        """The arguments with which PySpark calls spark-submit."""
        return shlex.split(self.environment["PYSPARK_SUBMIT_ARGS"])


@dataclass
class Checkout:
    """A copy of the launcher, and the PATH and the environment in which it runs."""

    root: Path
    tools: Path
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, path: Path, *lines: str) -> Path:
        """Write an executable shell script."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    def java(self, home: Path, version: str, *, vector: bool = True) -> Path:
        """Write a stub of a Java home. Without `vector`, it lacks a module that Spark needs."""
        return self.program(
            home / "bin" / "java",
            'case "$*" in',
            f"  *add-modules*) echo '    java.home = {home}'; exit {0 if vector else 1} ;;",
            "esac",
            f"echo 'openjdk version \"{version}\" 2025-10-21' >&2",
        )

    def cluster_spark(self, home: Path) -> Path:
        """Write a stub of a cluster's Spark. It prints its arguments, a word on each line."""
        (home / "python" / "pyspark").mkdir(parents=True)
        self.program(home / "bin/spark-submit", 'for word; do printf "%s\\n" "$word"; done')
        return home

    def packed_for(self) -> str:
        """The Python and the machine that the packages were packed for; empty: this machine."""
        return (self.root / ".cache/archives").read_text()

    def run(
        self, *arguments: str, program: str = "spark-submit.sh"
    ) -> subprocess.CompletedProcess[str]:
        """Run the launcher to its end."""
        environment = {"PATH": str(self.tools), "EVENT_LAKE_JAVA_DIR": str(self.root / "no such")}
        return subprocess.run(
            [self.root / program, *arguments],
            env={**environment, **self.environment},
            cwd=self.tools,
            capture_output=True,
            text=True,
            check=False,
        )

    def started(self, *arguments: str) -> Started:
        """Run the launcher, which must start the jobs."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return Started(**json.loads(done.stdout))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout that is set up."""
    root = tmp_path / "a lake"
    for folder in ("conf/spark", "scripts"):
        shutil.copytree(REPO / folder, root / folder)
    for file in ("spark-submit.sh", "setup.py", "jobs/versions.py"):
        (root / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / file, root / file)
    (root / "jobs" / "__init__.py").touch()
    (root / "jobs" / "__main__.py").write_text(JOBS_MAIN)
    (root / "jobs" / "deploy").mkdir()
    (root / "jobs" / "deploy" / "archives.py").write_text(ARCHIVES)

    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(str(shutil.which(tool)))

    copy = Checkout(root, tools)
    copy.program(root / ".venv/bin/python", f'exec "{sys.executable}" "$@"')
    copy.java(tmp_path / "jdk-17", "17.0.13")
    copy.environment["JAVA_HOME"] = str(tmp_path / "jdk-17")
    (root / ".cache/setup").mkdir(parents=True)
    (root / ".cache/jars").mkdir()
    (root / ".cache/jars/delta.jar").touch()
    stamps = """
        . "$root/scripts/bootstrap.sh"
        stamp python "all $(python_key)"
        stamp jars "$(jars_key)"
    """
    environment = {"root": str(root), "PATH": os.environ["PATH"]}
    subprocess.run(["bash", "-euc", stamps], env=environment, check=True)
    return copy
