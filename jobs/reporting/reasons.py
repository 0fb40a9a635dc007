"""Format the lines of a report that count rows."""

from collections.abc import Iterator, Mapping


def count_line(name: str, rows: int) -> str:
    """The name of what is counted and the number of rows, in two columns."""
    return f"{name:<40}{rows:>16,}"


def reason_lines(reasons: Mapping[str, int]) -> Iterator[str]:
    """One line for each reason, the most frequent first."""
    for reason, rows in sorted(reasons.items(), key=lambda each: (-each[1], each[0])):
        yield count_line(f"    {reason}", rows)
