"""Hostile streams through the real query, held against plain Python row for row."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from operator import add
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.hostile_lake import HostileLake
from tests.support.hostile_traffic import MAX_FUTURE, Step, steps, stories, told
from tests.support.oracle import judge, micros

pytestmark = pytest.mark.slow


def test_no_hostile_stream_loses_an_event_or_stores_it_twice(
    spark: SparkSession, tmp_path: Path, tried: Callable[[str, int], None]
) -> None:
    """Twins anywhere, clocks that jump, lost checkpoints, deaths, compaction: exact."""
    _put_through(spark, tmp_path, tried, seed=1, lives=6, events=300)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(2, 10))
def test_more_hostile_streams(
    spark: SparkSession, tmp_path: Path, tried: Callable[[str, int], None], seed: int
) -> None:
    """The same with other draws, and longer."""
    _put_through(spark, tmp_path, tried, seed=seed, lives=20, events=1500)


def _put_through(
    spark: SparkSession,
    folder: Path,
    tried: Callable[[str, int], None],
    *,
    seed: int,
    lives: int,
    events: int,
) -> None:
    chance = random.Random(seed)
    schedule = steps(lives, chance)
    drawn = stories(events, lives, chance)
    times = _times(schedule)
    lake = HostileLake(spark, folder)
    for number, records in enumerate(told(drawn, schedule, times)):
        lake.live(number, schedule[number], times[number], records)
    problems = lake.problems()
    assert not problems, f"seed {seed}: {len(problems)} problems\n" + "\n".join(problems[:10])
    for what, count in _facts(lake, schedule).items():
        tried(what, count)


def _times(schedule: list[Step]) -> list[datetime]:
    """The true time of each step. All are later than the tests' own, so that clocks may be set."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    pauses = (step.pause for step in schedule[1:])
    return list(accumulate(pauses, add, initial=tomorrow))


def _facts(lake: HostileLake, schedule: list[Step]) -> dict[str, int]:
    records = lake.records.values()
    identities = Counter(judge(r.data, micros(r.arrived), MAX_FUTURE) for r in records)
    rejected = identities.pop(None, 0)
    clocks = [later.pause + later.clock - earlier.clock for earlier, later in pairwise(schedule)]
    return {
        "records": len(records),
        "events": len(identities),
        "twins": len(records) - rejected - len(identities),
        "rejected records": rejected,
        "batches": len(lake.batches),
        "restarts": len(schedule) - 1 + lake.befell["deaths"],
        "deaths in a batch": lake.befell["deaths"],
        "lost checkpoints": lake.befell["lost checkpoint"],
        "compactions": lake.befell["compaction"],
        "clocks set back": sum(jump < timedelta(0) for jump in clocks),
        "clock jumps of an hour or more": sum(jump >= timedelta(hours=1) for jump in clocks),
    }
