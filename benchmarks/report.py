"""Measure memory, and format the tables and the environment that every benchmark prints."""

import os
import platform
import shlex
import sys
import threading
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

SAMPLE_SECONDS = 0.25
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def processes() -> set[int]:
    """The ids of this process and all its descendants (Linux)."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


class PeakMemory:
    """Measures the peak memory (RSS) of this process and its descendants while the block runs.

    Pages that several processes share count in each. A process counts from its second sample on: a
    fork that has not yet become another program has the memory of its parent.
    """

    def __init__(self, without: Iterable[int] = ()) -> None:
        """`without` are processes that do not count, such as servers that replace AWS."""
        self.peak_bytes = 0
        self._without = set(without)
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._sampler.join()

    @property
    def gib(self) -> float:
        """The peak so far, in GiB."""
        return self.peak_bytes / 2**30

    def _sample(self) -> None:
        seen: set[int] = set()
        while not self._ended.wait(SAMPLE_SECONDS):
            present = processes() - self._without
            self.peak_bytes = max(self.peak_bytes, sum(map(_resident_bytes, present & seen)))
            seen = present


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format a Markdown table with aligned columns."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def surroundings() -> str:
    """The command, the machine and the versions with which the figures were measured."""
    packages = ("pyspark", "delta-spark", "pyarrow", "boto3")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    command = shlex.join(["python", "-m", _module(), *sys.argv[1:]])
    return (
        f"command:  {command}\n"
        f"machine:  {os.cpu_count()} cores, {platform.machine()}, {platform.system()}\n"
        f"versions: Python {platform.python_version()}, {versions}"
    )


def _module() -> str:
    return f"benchmarks.{Path(sys.argv[0]).stem}"


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int | None:
    stat = _proc(pid, "stat")
    # The name of the program is in parentheses and may contain any character.
    return int(stat.rpartition(")")[2].split()[1]) if stat else None


def _resident_bytes(pid: int) -> int:
    statm = _proc(pid, "statm")
    return int(statm.split()[1]) * _PAGE_BYTES if statm else 0


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""  # the process has ended
