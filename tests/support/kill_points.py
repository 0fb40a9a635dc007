"""The points in the work of a batch at which a driver dies.

`tests/scenarios/test_real_kills.py` kills real drivers at these points. In every run of the tests,
the server cuts the driver off instead: from the point on, it refuses every request. What the driver
leaves in the storage is the same, and no Spark has to start again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.faulty_lake import FaultyLake

_RECORDS = 50


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
LEASE = "PUT .*/raw/_lease.json$"
POINTS_OF_INGEST = (
    Point("lease: before it is taken", (LEASE,)),
    Point("lease: taken, and the answer is lost", (LEASE,), applied=True),
    Point("ingest: before it plans", ("GetShardIterator",)),
    Point("ingest: planned, not recorded", (rf"{INGEST}/offsets/\d+$",)),
    Point("ingest: planned and recorded", (rf"{INGEST}/offsets/\d+$",), applied=True),
    Point("ingest: an executor reads", (rf"{INGEST}/offsets/\d+$", "GetRecords")),
    Point("ingest: its run recorded, raw not fenced", (RAW_COMMIT,)),
    Point("ingest: raw fenced, not recorded", (RAW_COMMIT,), applied=True),
    Point("ingest: files of raw, no commit", (RAW_FILE, RAW_COMMIT)),
    Point("ingest: commit of raw, not recorded", (RAW_FILE, RAW_COMMIT), applied=True),
    Point("ingest: before Spark's commit", (rf"{INGEST}/commits/\d+$",)),
)
POINTS_OF_PROCESS = (
    Point("process: planned and recorded", (rf"{PROCESS}/offsets/\d+$",), applied=True),
    Point("process: before the state's commit", (rf"{PROCESS}/state/0/",)),
    Point("process: after the state's commit", (rf"{PROCESS}/state/0/",), applied=True),
    Point("process: a file of events", (EVENTS_FILE,), applied=True),
    Point("process: files of events, no commit", (EVENTS_FILE, EVENTS_COMMIT)),
    Point("process: events, not quarantine", (EVENTS_FILE, EVENTS_COMMIT), applied=True),
)
POINTS_OF_THE_SINK = (
    Point("process: before quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT)),
    Point("process: after quarantine", (QUARANTINE_FILE, QUARANTINE_COMMIT), applied=True),
    Point("process: one table fenced", (f"PUT .*/processed/events{COMMIT}",), applied=True),
    Point("process: fenced, not recorded", (rf"{PROCESS}/runs/\d+$",)),
    Point("process: before Spark's commit", (rf"{PROCESS}/commits/\d+$",)),
)


def assert_exact_after_deaths(
    lake: FaultyLake, points: Iterable[Point], tried: Callable[[str, int], None]
) -> None:
    """Put records and start a run for each point, at which it is cut off. Each run continues where
    the run before it died. After some of them the tables are compacted. At the end, drain the
    stream and check that the tables are exact."""
    for number, point in enumerate(points):
        lake.put(_RECORDS)
        with lake.cut_off(*point.steps, applied=point.applied):
            lake.stream()
        if number % 4 == 3:
            lake.optimize(lake.tables.raw, lake.tables.events)
            tried("compactions", 1)
        tried("deaths at a point", 1)
    lake.stream()
    lake.assert_exact()
    tried("records", lake.records_put)
