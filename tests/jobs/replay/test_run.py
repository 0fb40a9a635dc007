"""Replayed records become events, each once, and their first attempt stays in quarantine."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.audit import verify_tables
from jobs.checkpoints import stored_positions
from jobs.config import Checks
from tests.jobs.replay.replayed import OLD, SPACES_ALLOWED, replay_all, with_checks
from tests.support.small_lake import SmallLake, event, reasons_by_data

ANCIENT = 946684800 - 3600  # an hour before the floor, which is the year 2000


def test_what_the_new_rules_accept_becomes_events_and_the_rest_stays(lake: SmallLake) -> None:
    """A second replay appends nothing. Duplicates in the same replay, in the same batch and of a
    stored event are not stored again. An event waits until it is old enough to be looked up."""
    spaced, duplicate = event("a", OLD, "has a space"), event("a", OLD * 1000, "is spaced", extra=1)
    of_stored, early = event("s", OLD, "also spaced"), event("e", ANCIENT, "has a space")
    lake.put(event("s", OLD), spaced, duplicate, of_stored, b"not json", early)
    lake.put(event("young", int(time.time()), "has a space"), event("b", OLD, "has a space"))
    lake.process()
    fixed = with_checks(lake, SPACES_ALLOWED)
    before = reasons_by_data(lake.quarantine())

    first = replay_all(fixed)
    second = replay_all(fixed)
    fixed.put(event("b", OLD, "sound"), event("c", OLD, "sound"))
    fixed.process()
    third = replay_all(fixed)

    assert (first.found, first.accepted, first.too_young, first.rejected) == (7, 4, 1, 2)
    assert first.reasons == {"not_json": 1, "created_at_too_old": 1}
    assert first.appended == 4
    assert (second.replayed_before, second.accepted, second.appended) == (4, 0, 0)
    assert (third.replayed_before, third.accepted, third.appended) == (4, 0, 0)
    assert fixed.stored() == ["a", "b", "c", "s"]
    assert reasons_by_data(fixed.quarantine()) == before
    assert verify_tables(lake.spark, lake.tables).is_clean
    assert all(batch.conserves for batch in fixed.batches)


def test_a_replayed_record_is_the_same_but_for_its_attempt(lake: SmallLake) -> None:
    """Its bytes, key, position and arrival do not change. The first attempt stays in raw."""
    arrived = datetime.fromtimestamp(OLD + 5, UTC)
    lake.put(event("a", OLD, "has a space", text="ü\u2028"), ingested_at=arrived)
    lake.process()
    began, positions = datetime.now(UTC), stored_positions(lake.spark, lake.tables.raw)
    replay_all(with_checks(lake, SPACES_ALLOWED))
    first, second = lake.tables.raw.read(lake.spark).orderBy("attempt").collect()
    same = ("data", "partition_key", "shard_id", "sequence_number", "sub_sequence_number")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert second["arrived_at"] == first["arrived_at"]
    assert (first["attempt"], second["attempt"]) == (0, 1)
    assert first["ingested_at"].astimezone(UTC) == arrived
    assert began <= second["ingested_at"].astimezone(UTC) <= datetime.now(UTC)
    assert stored_positions(lake.spark, lake.tables.raw) == positions
    assert second["ingest_date"] == second["ingested_at"].astimezone(UTC).date()


def test_an_event_from_the_future_is_checked_against_its_arrival(lake: SmallLake) -> None:
    """That its time has come since does not help. It is accepted if the rules allow more."""
    lake.put(event("a", OLD + 600), ingested_at=datetime.fromtimestamp(OLD, UTC))
    lake.process()
    assert replay_all(lake).reasons == {"created_at_in_future": 1}
    once = replace(
        lake.settings.once, window=timedelta(minutes=30), max_future=timedelta(minutes=15)
    )
    fixed = lake.by_other_rules(once=once)
    assert replay_all(fixed).appended == 1
    fixed.process()
    assert fixed.stored() == ["a"]


def test_events_of_names_within_a_raised_limit_are_stored_though_the_state_contains_them(
    lake: SmallLake,
) -> None:
    """They passed the state before they were rejected, so they look like their own duplicates. The
    audit would name one that is dropped: a rejection does not account for a later attempt."""
    tight = with_checks(lake, Checks(max_event_names=1))
    tight.put(event("1", OLD, "a:a"), event("2", OLD, "b:b"), event("3", OLD, "c:c"))
    tight.process()
    assert tight.stored() == ["1"]

    roomier = with_checks(tight, Checks(max_event_names=2))
    report = replay_all(roomier)
    assert (report.appended, report.reasons) == (1, {"too_many_event_names": 1})
    [lost] = verify_tables(lake.spark, lake.tables).violations
    assert lost.kind == "lost"
    assert [(row.event_uuid, row.attempt) for row in lost.samples] == [("2", 1)]
    roomier.process()
    assert roomier.stored() == ["1", "2"]
    assert replay_all(roomier).reasons == {"too_many_event_names": 1}
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_a_record_that_a_stream_with_the_old_rules_rejects_again_can_be_replayed_again(
    lake: SmallLake,
) -> None:
    """Only the newest attempt counts, and each leaves its row in quarantine. A checkpoint that is
    lost afterwards changes nothing."""
    lake.put(event("a", OLD, "has a space"), event("b", OLD))
    lake.process()
    fixed = with_checks(lake, SPACES_ALLOWED)
    assert replay_all(fixed).appended == 1
    lake.process()
    assert lake.stored() == ["b"]
    second = replay_all(fixed)
    assert (second.found, second.replayed_before, second.appended) == (2, 1, 1)
    fixed.process()
    assert fixed.stored() == ["a", "b"]

    lose_checkpoints(lake)
    fixed.process()
    assert fixed.stored() == ["a", "b"]
    attempts = fixed.quarantine().select("attempt").collect()
    assert sorted(row[0] for row in attempts) == [0, 1]
    assert verify_tables(lake.spark, lake.tables).is_clean


def test_after_a_lost_checkpoint_a_replayed_record_is_no_duplicate_of_its_first_attempt(
    lake: SmallLake,
) -> None:
    """With the new rules the state contains the first attempt, which stays in quarantine."""
    lake.put(event("a", OLD, "has a space"))
    lake.process()
    lose_checkpoints(lake)
    fixed = with_checks(lake, SPACES_ALLOWED)
    fixed.process()
    assert fixed.stored() == []
    replay_all(fixed)
    fixed.process()
    assert fixed.stored() == ["a"]
    assert verify_tables(lake.spark, lake.tables).is_clean


def lose_checkpoints(lake: SmallLake) -> None:
    """Move the checkpoints of the lake away."""
    checkpoints = Path(lake.settings.lake.checkpoints)
    checkpoints.rename(checkpoints.with_name("lost"))
