"""`process` on hostile streams, compared with plain Python row for row."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from operator import add
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.config import Format
from tests.support.hostile_lake import LINES, HostileLake
from tests.support.hostile_traffic import MAX_FUTURE, Step, drawn_events, records_by_step, steps
from tests.support.oracle import judge, micros


@pytest.mark.parametrize(
    ("form", "lives"),
    [
        pytest.param(Format(), 5, id="plain"),
        pytest.param(LINES, 3, id="lines", marks=pytest.mark.slice("hostile-input")),
    ],
)
def test_no_hostile_stream_loses_an_event_or_stores_it_twice(
    spark: SparkSession,
    tmp_path: Path,
    tried: Callable[[str, int], None],
    form: Format,
    lives: int,
) -> None:
    """The tables are exact after duplicates, clock jumps, lost checkpoints, deaths, compaction.
    Records are events, or some compressed lines of which each is one."""
    _process_stream(spark, tmp_path, tried, form, seed=1, lives=lives, events=50 * lives)


@pytest.mark.slice("hostile-input")
@pytest.mark.parametrize("seed", range(2, 10))
def test_more_hostile_streams(
    spark: SparkSession, tmp_path: Path, tried: Callable[[str, int], None], seed: int
) -> None:
    """The same holds for other seeds and longer streams. In every other one, records are the lines
    of larger ones, of which some are compressed."""
    form = LINES if seed % 2 else Format()
    _process_stream(spark, tmp_path, tried, form, seed=seed, lives=20, events=1500)


def _process_stream(
    spark: SparkSession,
    folder: Path,
    tried: Callable[[str, int], None],
    form: Format,
    *,
    seed: int,
    lives: int,
    events: int,
) -> None:
    chance = random.Random(seed)
    schedule = steps(lives, chance)
    drawn = drawn_events(events, lives, chance)
    times = _times(schedule)
    lake = HostileLake(spark, folder, form)
    for number, records in enumerate(records_by_step(drawn, schedule, times)):
        lake.run_step(number, schedule[number], times[number], records)
    problems = lake.problems()
    assert not problems, f"seed {seed}: {len(problems)} problems\n" + "\n".join(problems[:10])
    for what, count in _facts(lake, schedule).items():
        tried(what, count)


def _times(schedule: list[Step]) -> list[datetime]:
    """The true time of each step. All are in the future, because a clock can only be set ahead."""
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
        "duplicates": len(records) - rejected - len(identities),
        "rejected records": rejected,
        "batches": len(lake.batches),
        "restarts": len(schedule) - 1 + lake.deaths,
        "deaths in a batch": lake.deaths,
        "lost checkpoints": lake.hazards["lost checkpoint"],
        "compactions": lake.hazards["compaction"],
        "clocks set back": sum(jump < timedelta(0) for jump in clocks),
        "clock jumps of an hour or more": sum(jump >= timedelta(hours=1) for jump in clocks),
    }
