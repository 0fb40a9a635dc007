"""Quarantined records come to the events after a fix, each once, and leave their evidence."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.audit.verify import prove
from jobs.config.settings import Checks
from jobs.errors import LakeError
from jobs.replay import run as replay
from jobs.replay.report import Report
from jobs.streaming.ingest import stored_positions
from tests.support.small_lake import SmallLake, event, reasons_by_data
from transforms.quarantine import Choice

OLD = int(time.time()) - 9 * 3600
ANCIENT = 946684800 - 3600  # an hour before the floor, which is the year 2000

SPACES = Checks(event_name_pattern="[a-z: ]+")


@pytest.mark.slow
def test_what_the_new_rules_accept_becomes_events_and_the_rest_stays(lake: SmallLake) -> None:
    """Repeated, nothing is appended. Twins of the same replay, of the same batch, of a stored
    event are not stored again. What is too young for the table to judge waits."""
    spaced, twin = event("a", OLD, "has a space"), event("a", OLD * 1000, "is spaced", extra=1)
    of_stored, early = event("s", OLD, "also spaced"), event("e", ANCIENT, "has a space")
    lake.put(event("s", OLD), spaced, twin, of_stored, b"not json", early)
    lake.put(event("young", int(time.time()), "has a space"), event("b", OLD, "has a space"))
    lake.process()
    fixed = with_checks(lake, SPACES)
    before = reasons_by_data(lake.quarantine())

    first = replayed(fixed)
    again = replayed(fixed)
    fixed.put(event("b", OLD, "sound"), event("c", OLD, "sound"))
    fixed.process()
    at_last = replayed(fixed)

    assert (first.found, first.accepted, first.too_young, first.rejected) == (7, 4, 1, 2)
    assert first.reasons == {"not_json": 1, "created_at_too_old": 1}
    assert first.appended == 4
    assert (again.replayed_before, again.accepted, again.appended) == (4, 0, 0)
    assert (at_last.replayed_before, at_last.accepted, at_last.appended) == (4, 0, 0)
    assert fixed.stored() == ["a", "b", "c", "s"]
    assert reasons_by_data(fixed.quarantine()) == before
    assert prove(lake.spark, lake.tables).is_clean
    assert all(batch.conserves for batch in fixed.batches)


def test_a_replayed_record_is_the_same_but_for_its_attempt(lake: SmallLake) -> None:
    """Bytes, key, place and arrival are as they were; the first attempt stays where it is."""
    came = datetime.fromtimestamp(OLD + 5, UTC)
    lake.put(event("a", OLD, "has a space", text="ü\u2028"), ingested_at=came)
    lake.process()
    began, positions = datetime.now(UTC), stored_positions(lake.spark, lake.tables.raw)
    replayed(with_checks(lake, SPACES))
    first, second = lake.tables.raw.read(lake.spark).orderBy("attempt").collect()
    same = ("data", "partition_key", "shard_id", "sequence_number", "sub_sequence_number")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert second["arrived_at"] == first["arrived_at"]
    assert (first["attempt"], second["attempt"]) == (0, 1)
    assert first["ingested_at"].astimezone(UTC) == came
    assert began <= second["ingested_at"].astimezone(UTC) <= datetime.now(UTC)
    assert stored_positions(lake.spark, lake.tables.raw) == positions
    assert second["ingest_date"] == second["ingested_at"].astimezone(UTC).date()


def test_an_event_from_the_future_is_judged_by_when_it_came(lake: SmallLake) -> None:
    """That its time has come by now makes no sound event of it; that more is allowed does."""
    came = datetime.fromtimestamp(OLD, UTC)
    lake.put(event("a", OLD + 600), ingested_at=came)
    lake.process()
    assert replayed(lake).reasons == {"created_at_in_future": 1}
    window = replace(
        lake.settings.once, window=timedelta(minutes=30), max_future=timedelta(minutes=15)
    )
    fixed = lake.by_other_rules(once=window)
    assert replayed(fixed).appended == 1
    fixed.process()
    assert fixed.stored() == ["a"]


@pytest.mark.slow
def test_names_that_have_room_now_are_stored_though_the_state_knows_their_events(
    lake: SmallLake,
) -> None:
    """The state let them through before they were refused, so they look like their own twins. Were
    one taken for a twin, the audit would name it: a refusal is no place for a later attempt."""
    tight = with_checks(lake, Checks(max_event_names=1))
    tight.put(event("1", OLD, "a:a"), event("2", OLD, "b:b"), event("3", OLD, "c:c"))
    tight.process()
    assert tight.stored() == ["1"]

    roomier = with_checks(tight, Checks(max_event_names=2))
    some = replayed(roomier)
    assert (some.appended, some.reasons) == (1, {"too_many_event_names": 1})
    [lost] = prove(lake.spark, lake.tables).breaches
    assert (lost.kind, [(row.event_uuid, row.attempt) for row in lost.samples]) == (
        "lost",
        [("2", 1)],
    )
    roomier.process()
    assert roomier.stored() == ["1", "2"]
    assert replayed(roomier).reasons == {"too_many_event_names": 1}
    assert prove(lake.spark, lake.tables).is_clean


@pytest.mark.slow
def test_rejected_again_by_a_stream_with_the_old_rules_it_can_be_replayed_again(
    lake: SmallLake,
) -> None:
    """Only the newest attempt counts, and each leaves its evidence. A checkpoint that is lost
    afterwards changes nothing."""
    lake.put(event("a", OLD, "has a space"), event("b", OLD))
    lake.process()
    fixed = with_checks(lake, SPACES)
    assert replayed(fixed).appended == 1
    lake.process()
    assert lake.stored() == ["b"]
    second = replayed(fixed)
    assert (second.found, second.replayed_before, second.appended) == (2, 1, 1)
    fixed.process()
    assert fixed.stored() == ["a", "b"]

    checkpoints = Path(lake.settings.lake.checkpoints)
    checkpoints.rename(checkpoints.with_name("lost"))
    fixed.process()
    assert fixed.stored() == ["a", "b"]
    attempts = fixed.quarantine().select("attempt").collect()
    assert sorted(row[0] for row in attempts) == [0, 1]
    assert prove(lake.spark, lake.tables).is_clean


@pytest.mark.slow
def test_after_a_lost_checkpoint_a_replayed_record_is_no_twin_of_its_first_attempt(
    lake: SmallLake,
) -> None:
    """By the new rules the state took the first attempt for an event, which stays rejected."""
    lake.put(event("a", OLD, "has a space"))
    lake.process()
    checkpoints = Path(lake.settings.lake.checkpoints)
    checkpoints.rename(checkpoints.with_name("lost"))
    fixed = with_checks(lake, SPACES)
    fixed.process()
    assert fixed.stored() == []
    replayed(fixed)
    fixed.process()
    assert fixed.stored() == ["a"]
    assert prove(lake.spark, lake.tables).is_clean


@pytest.mark.slow
def test_of_two_replays_at_a_time_one_appends(lake: SmallLake) -> None:
    """The other one says so, and finds nothing to do when it is repeated."""
    lake.put(event("a", OLD, "has a space"), event("b", OLD, "has a space"))
    lake.process()
    fixed = with_checks(lake, SPACES)
    between: list[Report] = []

    def another_one(text: str) -> None:
        if text.startswith("appending"):
            between.append(replayed(fixed))

    with pytest.raises(LakeError, match="another replay has appended"):
        replay.replay(
            *(lake.spark, fixed.settings, fixed.tables, Choice()), dry_run=False, say=another_one
        )
    assert [report.appended for report in between] == [2]
    assert replayed(fixed).appended == 0
    fixed.process()
    assert fixed.stored() == ["a", "b"]
    assert prove(lake.spark, lake.tables).is_clean


def with_checks(lake: SmallLake, checks: Checks) -> SmallLake:
    """The same lake by other rules."""
    return SmallLake(lake.spark, replace(lake.settings, checks=checks), _records=lake._records)


def replayed(lake: SmallLake) -> Report:
    """`replay` of all of quarantine."""
    return replay.replay(
        *(lake.spark, lake.settings, lake.tables, Choice()), dry_run=False, say=lambda text: None
    )
