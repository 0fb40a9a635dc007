"""The slices: long tests that `tests/run` leaves out. Each run of CI runs one of them, in turn.

    tests/run-slice             the slice of the current commit
    tests/run-slice NAME...     these
    tests/run-slice all         all, in this order

A test belongs to a slice by `@pytest.mark.slice("NAME")`. Every promise has a test without a slice:
the slices repeat it at more points, for longer, with real programs or with other versions.
This module is also a plugin of pytest, which selects the tests and reports what was left out.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

SLICES = {
    "kills-of-ingest": "a real SIGKILL at each point of ingest's work",
    "kills-of-process": "a real SIGKILL at each point of process's work, first half",
    "kills-of-the-sink": "a real SIGKILL at each point of process's work, second half",
    "random-kills": "30 real SIGKILLs at random requests",
    "hostile-input": "nine hostile streams, eight of them long",
    "programs": "the real programs: zombies, demo, replay and rebuild killed, upgrade",
    "repairs": "records in other forms replayed and rebuilt, files of other engines rewritten",
    "two-writers": "a stream and repairs beside it on S3, with SIGKILL and SIGSTOP",
    "kpl": "Amazon's own producer, with a split and a merge",
    "yarn": "the launcher on a real YARN, and on local-cluster",
    "spark-4.0": "Spark 4.0 with Delta 4.0 (tests/run-on 4.0)",
    "newest": "the newest Spark and Delta (tests/run-on newest)",
    "engines": "Trino reads every column of the tables",
}

_LEFT_OUT = "left_to_slices"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Tests without a slice run by default, those of one slice with --slice NAME."""
    parser.addoption("--slice", choices=sorted(SLICES), help="run the tests of this slice")


class Selection:
    """Selects the tests of one process, and prints which tests were left out."""

    def __init__(self, wanted: str | None) -> None:
        self._wanted = wanted
        self._left_out: Counter[str] = Counter()

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        left_out = [item for item in items if _slice_of(item) != self._wanted]
        items[:] = [item for item in items if _slice_of(item) == self._wanted]
        config.hook.pytest_deselected(items=left_out)
        self._left_out = Counter(filter(None, map(_slice_of, left_out)))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        # A process of xdist reports to the one that prints. Each process has collected all tests.
        output: dict[str, Any] = getattr(session.config, "workeroutput", {})
        output[_LEFT_OUT] = dict(self._left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._left_out = Counter(getattr(node, "workeroutput", {}).get(_LEFT_OUT, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._wanted or not self._left_out:
            return
        terminalreporter.section("left to the slices (tests/run-slice NAME)")
        for name, what in SLICES.items():
            count = self._left_out.get(name)
            tests = f"{count} test{'s' * (count > 1)}: " if count else ""
            terminalreporter.write_line(f"{name:<18} {tests}{what}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Selection(config.getoption("--slice")), "slices")


def _slice_of(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("slice")
    if marker is None:
        return None
    (name,) = marker.args
    if name not in SLICES:
        raise pytest.UsageError(f"{item.nodeid}: tests/slices.py has no slice {name!r}")
    return str(name)


def main(arguments: Sequence[str]) -> int:
    """Print the names of all slices, or the one whose turn it is after `arguments[0]` commits."""
    names = [*SLICES]
    print(names[int(arguments[0]) % len(names)] if arguments else "\n".join(names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
