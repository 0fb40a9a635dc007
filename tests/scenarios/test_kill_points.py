"""The driver is killed at each point of its work, and the tables are exact afterwards."""

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
    """A point in the work of a batch, as the requests that lead to it.

    The driver dies at the last request: before the server applies it, or after it if `applied`.
    """

    name: str
    steps: tuple[str, ...]
    applied: bool = False


INGEST, PROCESS = "PUT .*/checkpoints/ingest", "PUT .*/checkpoints/process"
# Any commit but the first one, which creates the table
COMMIT = r"/_delta_log/(?!0+\.json)\d{20}\.json$"
# A batch writes files before its commit. The fence of a run is a commit without files.
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
    Point("ingest: planned, not recorded", (rf"{INGEST}/offsets/\d+$",)),
    Point("ingest: planned and recorded", (rf"{INGEST}/offsets/\d+$",), applied=True),
    Point("ingest: an executor reads", (rf"{INGEST}/offsets/\d+$", "GetRecords")),
    Point("ingest: its run recorded, raw not fenced", (RAW_COMMIT,)),
    Point("ingest: raw fenced, not recorded", (RAW_COMMIT,), applied=True),
    Point("ingest: files of raw, no commit", (RAW_FILE, RAW_COMMIT)),
    Point("ingest: commit of raw, not recorded", (RAW_FILE, RAW_COMMIT), applied=True),
    Point("ingest: before Spark's commit", (rf"{INGEST}/commits/\d+$",)),
    Point("process: planned and recorded", (rf"{PROCESS}/offsets/\d+$",), applied=True),
    Point("process: before the state's commit", (rf"{PROCESS}/state/0/",)),
    Point("process: after the state's commit", (rf"{PROCESS}/state/0/",), applied=True),
    Point("process: a file of events", (EVENTS_FILE,), applied=True),
    Point("process: files of events, no commit", (EVENTS_FILE, EVENTS_COMMIT)),
    Point("process: events, not quarantine", (EVENTS_FILE, EVENTS_COMMIT), applied=True),
    Point("process: before quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT)),
    Point("process: after quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT), applied=True),
    Point("process: one table fenced", (f"PUT .*/processed/events{COMMIT}",), applied=True),
    Point("process: fenced, not recorded", (rf"{PROCESS}/runs/\d+$",)),
    Point("process: before Spark's commit", (rf"{PROCESS}/commits/\d+$",)),
)


@pytest.fixture(scope="module")
def lake(spark: SparkSession, server: Server) -> FaultyLake:
    return FaultyLake(spark, server, "kill-points", stream="kill-points")


def test_the_lake_is_exact_after_a_kill_at_every_other_point_in_turn(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Each run continues where the run before it died, and dies at the next point. After some of
    them the tables are compacted."""
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
def test_the_lake_is_exact_after_a_kill_at_one_point(
    lake: FaultyLake, point: Point, tried: Callable[[str, int], None]
) -> None:
    """The next run drains the stream, and nothing is lost or stored twice."""
    lake.put(RECORDS)
    lake.run_until_killed(*point.steps, applied=point.applied)
    lake.drain()
    lake.assert_exact()
    tried("kills", 1)
    tried("records", RECORDS)


@pytest.mark.faults
def test_the_lake_is_exact_after_many_kills_at_random_requests(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Each run is killed at any request, or comes to its end before it."""
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
