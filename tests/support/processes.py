"""The processes that a program under test starts, and whether they have ended. Linux only."""

import os
import select
from pathlib import Path


def descendants(pid: int) -> set[int]:
    """All processes that `pid` has started, and those that these have started."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        # `pid (name) state parent …`; the name may contain spaces and brackets
        parent = int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, set()).add(int(stat.parent.name))
    found: set[int] = set()
    to_visit = [pid]
    while to_visit:
        new = children.get(to_visit.pop(), set()) - found
        found |= new
        to_visit += new
    return found


def end_of(pid: int, seconds: float = 60) -> bool:
    """Wait until the process has ended. Return False if it runs longer than `seconds`."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)
