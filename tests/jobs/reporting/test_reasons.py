"""The lines of a report that count rows."""

from jobs.reporting import count_line, reason_lines


def test_numbers_are_aligned_and_grouped() -> None:
    """They can be compared line by line, and a name that is too long moves its number."""
    assert count_line("raw records", 1234567) == f"raw records{'1,234,567':>45}"
    assert len(count_line("", 0)) == len(count_line("x" * 40, 9_999)) == 56
    assert count_line("x" * 41, 5) == "x" * 41 + f"{5:>16}"


def test_the_most_frequent_reason_comes_first() -> None:
    """Reasons that are equally frequent are in alphabetical order."""
    lines = list(reason_lines({"b": 1, "c": 20, "a": 1}))
    assert lines == [
        count_line(f"    {name}", rows) for name, rows in (("c", 20), ("a", 1), ("b", 1))
    ]
