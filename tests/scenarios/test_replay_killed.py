"""A replay is killed before its commit and after it, and is repeated."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Checks
from jobs.replay import Report, replay
from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server
from tests.support.small_lake import event
from transforms.quarantine_filter import QuarantineFilter

TOO_OLD = 946684800 - 3600  # one hour before the floor, which is the year 2000
COMMIT = r"PUT .*/raw/records/_delta_log/(?!0+\.json)\d{20}\.json$"
FLOOR = datetime(1999, 1, 1, tzinfo=UTC)
REPLAY = ("replay", "--set", f"checks.created_at_floor={FLOOR.isoformat()}")


@pytest.mark.parametrize(
    "with_sigkill", [False, pytest.param(True, marks=pytest.mark.slice("programs"))]
)
def test_a_replay_that_is_killed_and_repeated_appends_each_record_once(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None], with_sigkill: bool
) -> None:
    """Before its commit it has appended nothing, after it everything. A repetition adds nothing."""
    name = "replayed-by-programs" if with_sigkill else "replayed"
    lake = FaultyLake(spark, server, name, stream=name)
    fixed = replace(lake.settings, checks=Checks(created_at_floor=FLOOR))

    def replay_all() -> Report:
        given = (spark, fixed, lake.tables, QuarantineFilter())
        return replay(*given, dry_run=False, say=lambda text: None)

    def die(*, applied: bool) -> None:
        if with_sigkill:
            lake.run_until_killed(COMMIT, applied=applied, command=REPLAY)
        else:
            with lake.cut_off(COMMIT, applied=applied):
                replay_all()

    early = [event(f"early{number}", TOO_OLD) for number in range(20)]
    duplicate, valid, broken = event("early0", TOO_OLD * 1000), event("a", time.time()), b"not json"
    records = (*early, duplicate, valid, broken)
    lake.put_records((data, str(number)) for number, data in enumerate(records))
    lake.stream()

    die(applied=False)
    assert _attempts(lake, spark) == {0: 23}
    die(applied=True)
    assert _attempts(lake, spark) == {0: 23, 1: 21}
    report = replay_all()
    assert (report.replayed_before, report.rejected, report.appended) == (21, 1, 0)
    assert _attempts(lake, spark) == {0: 23, 1: 21}
    lake.stream(fixed)

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
