"""A rebuild is killed after each of its commits, and is repeated."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Checks, Events
from jobs.rebuild import Difference, Partitions, rebuild
from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server
from tests.support.small_lake import event

TEN = 1767261600  # 2026-01-01T10:00Z
CHANGED, REJECTED = "lesson:quiz:started", "Account:created"
QUARANTINE_COMMIT, EVENTS_COMMIT = (
    rf"PUT .*/processed/{table}/_delta_log/\d{{20}}\.json$" for table in ("quarantine", "events")
)
RULES = ("--set", "events.subtype=rest", "--set", "checks.event_name_pattern=[a-z:]+")
REBUILD = ("rebuild", "--from", "2026-01-01", "--to", "2026-01-01", *RULES)
DAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    "with_sigkill", [False, pytest.param(True, marks=pytest.mark.slice("programs"))]
)
def test_a_rebuild_that_is_killed_and_repeated_leaves_each_event_in_one_table(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None], with_sigkill: bool
) -> None:
    """Until it is repeated, a rejected event may be in both tables. It is never in none of them."""
    name = "rebuilt-by-programs" if with_sigkill else "rebuilt"
    lake = FaultyLake(spark, server, name, stream=name)
    rules = replace(
        lake.settings, events=Events(subtype="rest"), checks=Checks(event_name_pattern="[a-z:]+")
    )

    def rebuild_all() -> Difference:
        return rebuild(spark, rules, lake.tables, Partitions(DAY, DAY))

    def die_after(commit: str) -> None:
        if with_sigkill:
            lake.run_until_killed(commit, applied=True, command=REBUILD)
        else:
            with lake.cut_off(commit, applied=True):
                rebuild_all()

    changed = {f"changed{number}": CHANGED for number in range(10)}
    rejected = {f"rejected{number}": REJECTED for number in range(10)}
    put = {uuid: event(uuid, TEN, name) for uuid, name in (changed | rejected).items()}
    lake.put_records((data, uuid) for uuid, data in put.items())
    lake.stream()
    as_stored = dict.fromkeys(changed, "quiz") | dict.fromkeys(rejected, "created")
    assert _subtypes(lake, spark) == as_stored

    die_after(QUARANTINE_COMMIT)
    withdrawn = Counter(put[uuid] for uuid in rejected)
    assert (_subtypes(lake, spark), _withdrawn(lake, spark)) == (as_stored, withdrawn)
    [violation] = verify_tables(spark, lake.tables).violations
    assert (violation.kind, violation.count) == ("stored_and_quarantined", 10)

    die_after(EVENTS_COMMIT)
    by_present_rules = dict.fromkeys(changed, "quiz:started")
    assert (_subtypes(lake, spark), _withdrawn(lake, spark)) == (by_present_rules, withdrawn)
    repeated = rebuild_all()
    assert (repeated.rows, repeated.changed, repeated.rejected) == (10, 0, 0)
    assert (_subtypes(lake, spark), _withdrawn(lake, spark)) == (by_present_rules, withdrawn)
    assert verify_tables(spark, lake.tables).is_clean
    tried("kills", 2)
    tried("records", lake.records_put)


def _subtypes(lake: FaultyLake, spark: SparkSession) -> dict[str, str]:
    """The subtype of each identity, after a check that events has it once."""
    stored = lake.tables.events.read(spark).select("event_uuid", "event_subtype").collect()
    assert len({row[0] for row in stored}) == len(stored)
    return dict(tuple(row) for row in stored)


def _withdrawn(lake: FaultyLake, spark: SparkSession) -> Counter[bytes]:
    rows = lake.tables.quarantine.read(spark).select("data", "reasons").collect()
    assert all("withdrawn" in row[1] for row in rows)
    return Counter(bytes(row[0]) for row in rows)
