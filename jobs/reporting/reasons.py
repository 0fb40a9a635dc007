"""Rows by the reason why they were rejected: counted, and as the lines of a report."""

from collections.abc import Iterator, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import REASONS


def count_reasons(rows: DataFrame) -> dict[str, int]:
    """How many of `rows` have each reason; a row counts under each that it has."""
    by_reason = rows.select(F.explode(REASONS).alias("reason")).groupBy("reason").count()
    return {row["reason"]: row["count"] for row in by_reason.collect()}


def reason_lines(reasons: Mapping[str, int]) -> Iterator[str]:
    """A line for each reason, the most frequent first."""
    for reason, rows in sorted(reasons.items(), key=lambda each: (-each[1], each[0])):
        yield line(f"    {reason}", rows)


def line(name: str, rows: int) -> str:
    """A line of a report: what is counted, and how many rows that are."""
    return f"{name:<40}{rows:>16,}"
