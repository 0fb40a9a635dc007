"""The processes that a program under test starts: their ends, their open ports. Linux only."""

import os
import select
import struct
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

_LISTEN = "0A"


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


def listening(pids: set[int]) -> set[tuple[str, int]]:
    """The addresses and ports on which these processes accept TCP connections."""
    open_files = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it has just been closed
                open_files.add(str(descriptor.readlink()))
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            # `number: local_address:port remote_address:port state …`, with the inode as tenth
            words = line.split()
            if words[3] == _LISTEN and f"socket:[{words[9]}]" in open_files:
                address, port = words[1].split(":")
                found.add((_ip_address(address), int(port, 16)))
    return found


def _ip_address(text: str) -> str:
    """`"0100007F"` -> `"127.0.0.1"`: words of 32 bits, as numbers in the machine's byte order."""
    data = bytes.fromhex(text)
    words = f"{len(data) // 4}I"
    return str(ip_address(struct.pack(f"={words}", *struct.unpack(f">{words}", data))))
