"""The times, names and fields of these tests, and what they read from a lake."""

from datetime import date
from typing import Any

from jobs.lake import pinned
from jobs.rebuild import Partitions
from tests.support.small_lake import SmallLake
from transforms.enrichment import Field

TEN = 1767261600  # 2026-01-01T10:00Z
FIRST = date(2026, 1, 1)
PARTITIONS = Partitions(FIRST, FIRST)
QUIZ = "lesson:quiz:started"
USER = Field("user_id", "$.user.id", "bigint")


def position(number: int) -> str:
    """The position of the record that was put as number `number`, as a report names it."""
    return f"shardId-000000000000/{number:056d}/0/0"


def rows_of(lake: SmallLake, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of events, sorted."""
    return sorted(tuple(row) for row in lake.events().select(*columns).collect())


def versions_of(lake: SmallLake) -> tuple[int, int]:
    """The versions of events and of quarantine."""
    events, quarantine = (
        pinned(lake.spark, table)[1] for table in (lake.tables.events, lake.tables.quarantine)
    )
    return events, quarantine
