"""Of two concurrent replays, one commits."""

import pytest

from jobs.audit import verify_tables
from jobs.errors import LakeError
from jobs.replay import Report, replay
from jobs.replay.commit import Commit
from tests.jobs.replay.replayed import OLD, SPACES_ALLOWED, replay_all, with_checks
from tests.support.small_lake import SmallLake, event
from transforms.quarantine_filter import QuarantineFilter
from transforms.table_rows import as_next_attempt


def test_of_two_concurrent_replays_one_appends_and_the_other_is_an_error(lake: SmallLake) -> None:
    """The other one has nothing to append when it is repeated."""
    lake.put(event("a", OLD, "has a space"), event("b", OLD, "has a space"))
    lake.process()
    fixed = with_checks(lake, SPACES_ALLOWED)
    concurrent: list[Report] = []

    def replay_meanwhile(text: str) -> None:
        if text.startswith("appending"):
            concurrent.append(replay_all(fixed))

    with pytest.raises(LakeError, match="another replay has appended"):
        replay(
            *(lake.spark, fixed.settings, fixed.tables, QuarantineFilter()),
            dry_run=False,
            say=replay_meanwhile,
        )
    assert [report.appended for report in concurrent] == [2]
    assert replay_all(fixed).appended == 0
    fixed.process()
    assert fixed.stored() == ["a", "b"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_a_number_that_another_replay_has_used_appends_nothing(lake: SmallLake) -> None:
    """Delta skips the second commit of a number without an error, so the rows are counted."""
    lake.put(event("a", OLD), event("b", OLD))
    raw = lake.tables.raw
    records = raw.read(lake.spark).localCheckpoint()
    first, second = Commit(lake.spark, raw), Commit(lake.spark, raw)
    assert first.append(records.transform(as_next_attempt(first.ingested_at)), 2) == 2
    with pytest.raises(LakeError, match="this one appended nothing"):
        second.append(records.transform(as_next_attempt(second.ingested_at)), 2)
    assert raw.read(lake.spark).count() == 4
    third = Commit(lake.spark, raw)
    assert third.append(records.transform(as_next_attempt(third.ingested_at)), 2) == 2
