"""A real driver is killed with SIGKILL at each point of its work, and the tables are exact.

`test_kill_points_of_*.py` test the same points faster, without a process for each.
"""

import random
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.kill_points import POINTS_OF_INGEST, POINTS_OF_PROCESS, POINTS_OF_THE_SINK, Point
from tests.support.servers import Server

SEEDS = (11, 12, 13)
KILLS_PER_SEED = 10
RECORDS = 200


POINTS = {
    "kills-of-ingest": POINTS_OF_INGEST,
    "kills-of-process": POINTS_OF_PROCESS,
    "kills-of-the-sink": POINTS_OF_THE_SINK,
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, server: Server) -> FaultyLake:
    return FaultyLake(spark, server, "kill-points", stream="kill-points")


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(point, id=point.name, marks=pytest.mark.slice(name))
        for name, points in POINTS.items()
        for point in points
    ],
)
def test_the_lake_is_exact_after_a_kill_at_one_point(
    lake: FaultyLake, point: Point, tried: Callable[[str, int], None]
) -> None:
    """The next run drains the stream, and nothing is lost or stored twice."""
    lake.put(RECORDS)
    lake.run_until_killed(*point.steps, applied=point.applied)
    lake.stream()
    lake.assert_exact()
    tried("kills", 1)
    tried("records", RECORDS)


@pytest.mark.slice("random-kills")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_lake_is_exact_after_many_kills_at_random_requests(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None], seed: int
) -> None:
    """Each run is killed at any request, or comes to its end before it."""
    lake = FaultyLake(spark, server, f"at-random-{seed}", stream=f"at-random-{seed}")
    chance = random.Random(seed)
    died_at: list[str] = []
    while len(died_at) < KILLS_PER_SEED:
        lake.put(RECORDS // 4)
        steps = ["."] * chance.randrange(1, 600)
        request = lake.run_until(*steps, applied=chance.random() < 0.5)
        died_at += [request] if request else []
    lake.stream()
    lake.assert_exact()
    tried("kills", KILLS_PER_SEED)
    tried("records", lake.records_put)
    print("died at:", *died_at, sep="\n")
