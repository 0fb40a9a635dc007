"""The result of a rewrite: the files that were found and rewritten, as text or JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from jobs.reporting import count_line


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files of one table that have INT96 times.

    table:      path of the table
    checked:    files of its newest version, of which the footers were read
    files:      those of them that have INT96 times
    partitions: the partitions with such a file
    bytes:      the size of all files in these partitions: what is read and written again
    rewritten:  the partitions that were rewritten
    """

    table: str
    checked: int
    files: int = 0
    partitions: int = 0
    bytes: int = 0
    rewritten: int = 0


@dataclass(frozen=True, kw_only=True)
class Rewrite:
    """What a rewrite found in each table. `dry_run`: nothing was written."""

    tables: tuple[Found, ...]
    dry_run: bool = False

    def to_json(self) -> str:
        """The report as one JSON object."""
        return json.dumps(asdict(self), indent=2)

    def lines(self) -> Iterator[str]:
        """The report for people: a short table, then what was done."""
        for found in self.tables:
            yield found.table
            yield count_line("  files", found.checked)
            yield count_line("  files with INT96 times", found.files)
            yield count_line("  partitions with such files", found.partitions)
            yield count_line("  bytes in these partitions", found.bytes)
            yield count_line("  partitions rewritten", found.rewritten)
        if self.dry_run:
            yield "dry run: nothing was changed"
        else:
            yield "rewritten" if any(each.files for each in self.tables) else "nothing to rewrite"
