"""A checkout for each test of the launcher, with stand-ins for Java, Spark and the jobs.

The folder has a space in its name; the set-up counts as done unless a test undoes it.
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

# The programs of the system that the launcher may use, and no Python and no Java among them.
TOOLS = (
    *("basename", "bash", "cat", "cksum", "dirname", "env", "grep", "head", "mkdir", "mv", "paste"),
    *("readlink", "rm", "sed", "sh", "tail", "tr"),
)

# Prints what the launcher made of its arguments.
JOBS_MAIN = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}))
"""


@dataclass(frozen=True)
class Started:
    """What the launcher started the jobs with."""

    arguments: list[str]
    environment: dict[str, str]

    def spark_options(self) -> list[str]:
        """The arguments that PySpark calls spark-submit with."""
        return shlex.split(self.environment["PYSPARK_SUBMIT_ARGS"])


@dataclass
class Checkout:
    """A copy of the launcher, and the PATH and environment that it is run with."""

    root: Path
    tools: Path
    environment: dict[str, str] = field(default_factory=dict)

    def program(self, path: Path, *lines: str) -> Path:
        """Make an executable shell script."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    def java(self, home: Path, version: str, *, vector: bool = True) -> Path:
        """Make a Java home; without `vector` it is one of the reduced ones."""
        return self.program(
            home / "bin" / "java",
            'case "$*" in',
            f"  *add-modules*) echo '    java.home = {home}'; exit {0 if vector else 1} ;;",
            "esac",
            f"echo 'openjdk version \"{version}\" 2025-10-21' >&2",
        )

    def run(
        self, *arguments: str, program: str = "spark-submit.sh"
    ) -> subprocess.CompletedProcess[str]:
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
        """Run the launcher where it must get as far as starting the jobs."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return Started(**json.loads(done.stdout))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "a lake"
    for folder in ("conf/spark", "scripts", "jobs/deploy"):
        shutil.copytree(REPO / folder, root / folder)
    for file in ("spark-submit.sh", "setup.py", "jobs/versions.py"):
        (root / file).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / file, root / file)
    (root / "jobs" / "__init__.py").touch()
    (root / "jobs" / "__main__.py").write_text(JOBS_MAIN)

    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(str(shutil.which(tool)))

    made = Checkout(root, tools)
    made.program(root / ".venv/bin/python", f'exec "{sys.executable}" "$@"')
    made.java(tmp_path / "jdk-17", "17.0.13")
    made.environment["JAVA_HOME"] = str(tmp_path / "jdk-17")
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
    return made
