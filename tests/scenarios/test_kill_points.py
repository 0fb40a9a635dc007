"""The driver is killed at each point of its work, and the tables come out exact."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server

pytestmark = pytest.mark.slow

KILLS = 30
RECORDS = 200


@dataclass(frozen=True)
class Point:
    """A moment in a batch's work, by the requests that lead to it."""

    name: str
    steps: tuple[str, ...]
    applied: bool = False


INGEST, PROCESS = "PUT .*/checkpoints/ingest", "PUT .*/checkpoints/process"
# Any but the table's first, which makes it
COMMIT = r"/_delta_log/(?!0+\.json)\d{20}\.json$"
# A batch writes files before its commit; the claim of a run on the table is a commit without any.
RAW_FILE, RAW_COMMIT = ("PUT .*/raw/records/ingest_date=", f"PUT .*/raw/records{COMMIT}")
EVENTS_FILE, EVENTS_COMMIT = (
    "PUT .*/processed/events/event_name=",
    f"PUT .*/processed/events{COMMIT}",
)
QUARANTINE_FILE, QUARANTINE_COMMIT = (
    "PUT .*/processed/quarantine/ingest_date=",
    f"PUT .*/processed/quarantine{COMMIT}",
)
POINTS = (
    Point("ingest: before it plans", ("GetShardIterator",)),
    Point("ingest: planned, not noted", (rf"{INGEST}/offsets/\d+$",)),
    Point("ingest: planned and noted", (rf"{INGEST}/offsets/\d+$",), applied=True),
    Point("ingest: an executor reads", (rf"{INGEST}/offsets/\d+$", "GetRecords")),
    Point("ingest: its run noted, raw not claimed", (RAW_COMMIT,)),
    Point("ingest: raw claimed, not noted", (RAW_COMMIT,), applied=True),
    Point("ingest: raw's files, no commit", (RAW_FILE, RAW_COMMIT)),
    Point("ingest: raw's commit, not noted", (RAW_FILE, RAW_COMMIT), applied=True),
    Point("ingest: batch not noted as done", (rf"{INGEST}/commits/\d+$",)),
    Point("process: planned and noted", (rf"{PROCESS}/offsets/\d+$",), applied=True),
    Point("process: before the state's commit", (rf"{PROCESS}/state/0/",)),
    Point("process: behind the state's commit", (rf"{PROCESS}/state/0/",), applied=True),
    Point("process: events' files", (EVENTS_FILE,), applied=True),
    Point("process: events' files, no commit", (EVENTS_FILE, EVENTS_COMMIT)),
    Point("process: events, not quarantine", (EVENTS_FILE, EVENTS_COMMIT), applied=True),
    Point("process: before quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT)),
    Point("process: behind quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT), applied=True),
    Point("process: one table claimed", (f"PUT .*/processed/events{COMMIT}",), applied=True),
    Point("process: claimed, not noted", (rf"{PROCESS}/runs/\d+$",)),
    Point("process: batch not noted as done", (rf"{PROCESS}/commits/\d+$",)),
)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, server: Server) -> FaultyLake:
    return FaultyLake(spark, server, "kill-points", stream="kill-points")


def test_killed_at_every_other_point_in_turn_the_lake_comes_out_exact(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Each restart takes up what the one before left, and dies at the next point. Now and then the
    tables are compacted in between."""
    lake = FaultyLake(spark, server, "in-turn", stream="in-turn")
    in_turn = POINTS[1::2]
    for number, point in enumerate(in_turn):
        lake.put(RECORDS)
        lake.run_until_killed(*point.steps, applied=point.applied)
        if number % 4 == 3:
            lake.optimize(lake.tables.raw, lake.tables.events)
            tried("compactions", 1)
    lake.drain()
    lake.assert_exact()
    tried("kills", len(in_turn))
    tried("records", lake.records_put)


@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_killed_at_a_point_the_lake_comes_out_exact(
    lake: FaultyLake, point: Point, tried: Callable[[str, int], None]
) -> None:
    """Restarted, it drains; nothing is lost, nothing is twice."""
    lake.put(RECORDS)
    lake.run_until_killed(*point.steps, applied=point.applied)
    lake.drain()
    lake.assert_exact()
    tried("kills", 1)
    tried("records", RECORDS)


@pytest.mark.faults
def test_killed_at_random_again_and_again_the_lake_comes_out_exact(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Each restart is killed in its turn, at any request; some run to their end instead."""
    lake = FaultyLake(spark, server, "at-random", stream="at-random")
    chance = random.Random(11)
    died_at: list[str] = []
    while len(died_at) < KILLS:
        lake.put(RECORDS // 4)
        steps = ["."] * chance.randrange(1, 600)
        request = lake.run_until(*steps, applied=chance.random() < 0.5)
        died_at += [request] if request else []
    lake.drain()
    lake.assert_exact()
    tried("kills", KILLS)
    tried("records", lake.records_put)
    print("died at:", *died_at, sep="\n")
