"""A replay is killed before its commit and after it, and is repeated."""

import json
import time
from collections import Counter
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server
from tests.support.small_lake import event

pytestmark = pytest.mark.slow

TOO_OLD = 946684800 - 3600  # one hour before the floor, which is the year 2000
COMMIT = r"PUT .*/raw/records/_delta_log/(?!0+\.json)\d{20}\.json$"
FIXED = ("--set", "checks.created_at_floor=1999-01-01T00:00:00Z")
REPLAY = ("replay", "--stopped", *FIXED)


def test_a_replay_that_is_killed_and_repeated_appends_each_record_once(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Before its commit it has appended nothing, after it everything. A repetition adds nothing."""
    lake = FaultyLake(spark, server, "replayed", stream="replayed")
    early = [event(f"early{number}", TOO_OLD) for number in range(20)]
    duplicate, valid, broken = event("early0", TOO_OLD * 1000), event("a", time.time()), b"not json"
    for number, data in enumerate((*early, duplicate, valid, broken)):
        lake.put_record(data, str(number))
    lake.drain()

    lake.run_until_killed(COMMIT, applied=False, command=REPLAY)
    assert _attempts(lake, spark) == {0: 23}
    lake.run_until_killed(COMMIT, applied=True, command=REPLAY)
    assert _attempts(lake, spark) == {0: 23, 1: 21}
    report = json.loads(lake.run(*REPLAY, "--json"))
    assert (report["replayed_before"], report["rejected"], report["appended"]) == (21, 1, 0)
    assert _attempts(lake, spark) == {0: 23, 1: 21}
    lake.run("stream", "--once", *FIXED)

    raw = lake.tables.raw.read(spark).where("attempt = 1").select("data").collect()
    assert Counter(bytes(row[0]) for row in raw) == Counter([*early, duplicate])
    events = lake.tables.events.read(spark).select("event_uuid").collect()
    assert Counter(row[0] for row in events) == Counter(
        ["a", *(f"early{number}" for number in range(20))]
    )
    rejected = lake.tables.quarantine.read(spark).select("data", "attempt").collect()
    assert Counter((bytes(row[0]), row[1]) for row in rejected) == Counter(
        (data, 0) for data in (*early, duplicate, broken)
    )
    assert verify_tables(spark, lake.tables).is_clean
    tried("kills", 2)
    tried("records", lake.records_put)


def _attempts(lake: FaultyLake, spark: SparkSession) -> dict[int, int]:
    rows = lake.tables.raw.read(spark).groupBy("attempt").count().collect()
    return {row[0]: row[1] for row in rows}
