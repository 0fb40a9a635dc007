"""The processes that a program under test starts, and whether they are gone. Linux only."""

import os
import select
from pathlib import Path


def descendants(pid: int) -> set[int]:
    """All processes that `pid` has started, and those that they have."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        # `pid (name) state parent …`, and a name may have spaces and brackets
        parent = int(text.rpartition(")")[2].split()[1])
        children.setdefault(parent, set()).add(int(stat.parent.name))
    found, left = set(), [pid]
    while left:
        new = children.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def end_of(pid: int, seconds: float = 60) -> bool:
    """Wait until the process has ended; False if it has not within `seconds`."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], seconds)[0])
    finally:
        os.close(watched)
