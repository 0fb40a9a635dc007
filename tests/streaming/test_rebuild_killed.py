"""A rebuild is killed before and behind each of its commits, and is repeated."""

import json
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from pyspark.sql import SparkSession

from jobs.audit import prove
from tests.jobs.lake import event
from tests.servers import Server, deadly_moto
from tests.streaming.faulty_lake import FaultyLake

pytestmark = pytest.mark.slow

TEN = 1767261600  # 2026-01-01T10:00Z
CHANGED, REJECTED, SOUND = "lesson:quiz:started", "Account:created", "account:created"
QUARANTINE_COMMIT, EVENTS_COMMIT = (
    rf"PUT .*/processed/{table}/_delta_log/\d{{20}}\.json$" for table in ("quarantine", "events")
)
RULES = ("--set", "events.subtype=rest", "--set", "checks.event_name_pattern=[a-z:]+")
REBUILD = ("rebuild", "--stopped", "--from", "2026-01-01", "--to", "2026-01-01", *RULES)


@pytest.fixture
def server() -> Iterator[Server]:
    with deadly_moto() as server:
        yield server


def test_killed_and_repeated_a_rebuild_leaves_each_event_in_one_place(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """An event is where it was, or in both tables until the rebuild is repeated: never in none."""
    lake = FaultyLake(spark, server, "rebuilt", stream="rebuilt")
    changed = {f"changed{number}": CHANGED for number in range(10)}
    rejected = {f"rejected{number}": REJECTED for number in range(10)}
    first = [event(uuid, TEN, name) for uuid, name in (changed | rejected).items()]
    for number, data in enumerate(first):
        lake.put_record(data, str(number))
    lake.drain()
    # Behind the others in raw: a twin, which today's rules take.
    twin = event("rejected0", TEN, SOUND)
    lake.put_record(twin, "twin")
    lake.drain()
    as_stored = dict.fromkeys(changed, (CHANGED, "quiz")) | dict.fromkeys(
        rejected, (REJECTED, "created")
    )
    assert _events(lake, spark) == as_stored

    lake.run_until_killed(QUARANTINE_COMMIT, applied=False, command=REBUILD)
    assert (_events(lake, spark), _withdrawn(lake, spark)) == (as_stored, Counter())
    assert prove(spark, lake.tables).is_clean

    withdrawn = Counter(first[10:])
    for step, applied in ((QUARANTINE_COMMIT, True), (EVENTS_COMMIT, False)):
        lake.run_until_killed(step, applied=applied, command=REBUILD)
        assert (_events(lake, spark), _withdrawn(lake, spark)) == (as_stored, withdrawn)
        [breach] = prove(spark, lake.tables).breaches
        assert (breach.kind, breach.count) == ("stored_and_quarantined", 10)

    lake.run_until_killed(EVENTS_COMMIT, applied=True, command=REBUILD)
    by_todays_rules = dict.fromkeys(changed, (CHANGED, "quiz:started")) | {
        "rejected0": (SOUND, "created")
    }
    for _ in range(2):
        assert (_events(lake, spark), _withdrawn(lake, spark)) == (by_todays_rules, withdrawn)
        assert prove(spark, lake.tables).is_clean
        report = json.loads(lake.run(*REBUILD, "--json"))
        assert (report["changed"], report["rejected"]) == (0, 0)
    tried("kills", 4)
    tried("records", lake.records_put)


def _events(lake: FaultyLake, spark: SparkSession) -> dict[str, tuple[str, str]]:
    """The name and subtype of each identity, which is there once."""
    rows = lake.tables.events.read(spark).select("event_uuid", "event_name", "event_subtype")
    stored = [(row[0], (row[1], row[2])) for row in rows.collect()]
    assert len(stored) == len(dict(stored))
    return dict(stored)


def _withdrawn(lake: FaultyLake, spark: SparkSession) -> Counter[bytes]:
    rows = lake.tables.quarantine.read(spark).select("data", "reasons").collect()
    assert all("withdrawn" in row[1] for row in rows)
    return Counter(bytes(row[0]) for row in rows)
