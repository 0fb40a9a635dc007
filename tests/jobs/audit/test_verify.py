"""The audit against small tables that are written by hand, right ones and wrong ones."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify as audit
from jobs.audit.report import BREACHES, Breach, Report, Sample
from jobs.config.settings import Lake
from jobs.errors import ConfigError, LakeError
from jobs.lake.tables import tables
from tests.support.handmade_lake import FIRST_DAY, SHARD, HandmadeLake
from tests.support.small_lake import SmallLake, event, settings_in

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EPOCH = 1767323045  # CREATED
SECOND_DAY = FIRST_DAY + timedelta(days=1)


def test_a_clean_lake_passes_and_every_record_has_an_outcome(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Twins may be in another form, with another payload, under another name, and of a refusal."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw(
        (1, event("a", EPOCH)),
        (2, event("a", f"{EPOCH}000", name="another:name")),
        (3, b' {"created_at":"2026-01-02T04:04:05+01:00","event_\\u0075uid":"a","x":[1,{}]}\r\n'),
        (4, event("b", EPOCH + 0.000001)),
        (5, b"not json"),
        (6, b""),
        (7, event("c", EPOCH, name="new:name")),
        (8, event("c", EPOCH, name="newer:name")),
    )
    lake.events(
        (1, event("a", EPOCH), "a", CREATED),
        (4, event("b", EPOCH + 0.000001), "b", CREATED + timedelta(microseconds=1)),
    )
    lake.quarantine(
        (5, b"not json", ["not_json"], None, None),
        (6, b"", ["not_json"], None, None),
        (7, event("c", EPOCH, name="new:name"), ["too_many_event_names"], "c", CREATED),
    )
    assert audit.prove(spark, lake.tables) == Report(
        first=None,
        last=None,
        raw=8,
        stored=2,
        twins=3,
        quarantined=3,
        pending=0,
        reasons={"not_json": 2, "too_many_event_names": 1},
    )


def test_every_breach_is_found_and_its_row_is_named(spark: SparkSession, tmp_path: Path) -> None:
    """One lake with one of each; what is in order beside it is not accused."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw(
        (1, event("sound", EPOCH)),
        (10, event("lost", EPOCH)),
        (11, event("sound", EPOCH) + event("half", EPOCH)),
        (12, b"lost and never readable"),
        (20, event("read twice", EPOCH)),
        (20, event("read twice", EPOCH)),
        *[(21, event("sound", EPOCH, note="a twin, read three times"))] * 3,
        (30, event("stored twice", EPOCH)),
        (40, b"quarantined twice"),
        (50, event("both", EPOCH)),
        (60, event("identity twice", EPOCH)),
        (61, event("identity twice", EPOCH * 1000)),
        (80, event("changed", EPOCH, amount=1)),
        (81, b"changed in quarantine"),
        (90, event("misfiled", EPOCH)),
        (91, event("at another time", EPOCH)),
        (92, event("under another name", EPOCH, name="another:name")),
        (93, event("on another date", EPOCH)),
        (94, b"no event at all"),
    )
    lake.events(
        (1, event("sound", EPOCH), "sound", CREATED),
        (20, event("read twice", EPOCH), "read twice", CREATED),
        (30, event("stored twice", EPOCH), "stored twice", CREATED),
        (30, event("stored twice", EPOCH), "stored twice", CREATED),
        (50, event("both", EPOCH), "both", CREATED),
        (60, event("identity twice", EPOCH), "identity twice", CREATED),
        (61, event("identity twice", EPOCH * 1000), "identity twice", CREATED),
        (70, event("invented", EPOCH), "invented", CREATED),
        (80, event("changed", EPOCH, amount=2), "changed", CREATED),
        (90, event("misfiled", EPOCH), "someone else", CREATED),
        (91, event("at another time", EPOCH), "at another time", CREATED + timedelta(seconds=1)),
        (
            92,
            event("under another name", EPOCH, name="another:name"),
            "under another name",
            CREATED,
        ),
    )
    lake.events(
        (93, event("on another date", EPOCH), "on another date", CREATED), on=date(2026, 1, 3)
    )
    lake.events((94, b"no event at all", None, None), name=None, on=None)
    lake.quarantine(
        (40, b"quarantined twice", ["not_json"], None, None),
        (40, b"quarantined twice", ["not_json"], None, None),
        (50, event("both", EPOCH), ["not_json"], None, None),
        (71, b"invented rejection", ["not_json"], None, None),
        (81, b"changed in quarantine!", ["not_json"], None, None),
    )

    report = audit.prove(spark, lake.tables)

    assert not report.is_clean
    assert {each.kind: numbers(each.samples) for each in report.breaches} == {
        "lost": ["10", "11", "12"],
        "read_twice": ["20", "21"],
        "stored_twice": ["30"],
        "quarantined_twice": ["40"],
        "stored_and_quarantined": ["50"],
        "identity_twice": ["30", "61"],
        "invented_event": ["70"],
        "invented_rejection": ["71"],
        "changed": ["80", "81"],
        "misfiled": ["90", "91", "92", "93", "94"],
    }
    assert set(BREACHES) == {each.kind for each in report.breaches}
    assert report.breaches[0].samples[0] == Sample(
        shard_id=SHARD,
        sequence_number="10",
        sub_sequence_number=0,
        attempt=0,
        event_uuid="lost",
        created_at="2026-01-02T03:04:05.000000Z",
    )
    assert (report.raw, report.unaccounted) == (21, 6)


def test_a_breach_counts_all_of_its_rows_and_shows_some(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = HandmadeLake(spark, tmp_path)
    lake.raw(*((number, event(f"lost {number}", EPOCH)) for number in range(10, 15)))
    [breach] = audit.prove(spark, lake.tables, samples=2).breaches
    assert (breach.kind, breach.count, numbers(breach.samples)) == ("lost", 5, ["10", "11"])


@pytest.mark.slow
def test_a_range_of_dates_is_judged_against_the_whole_of_the_other_tables(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A twin's first delivery may be days older; so may be the event that is stored again."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw((1, event("a", EPOCH)), (2, event("lost", EPOCH)))
    lake.raw((3, event("a", EPOCH)), (4, event("b", EPOCH)), ingested_at=SECOND_DAY)
    lake.events((1, event("a", EPOCH), "a", CREATED))
    lake.events((4, event("b", EPOCH), "b", CREATED), ingested_at=SECOND_DAY)

    second = audit.prove(spark, lake.tables, first=SECOND_DAY.date())
    assert (second.raw, second.stored, second.twins, second.is_clean) == (2, 1, 1, True)

    lake.events((3, event("a", EPOCH), "a", CREATED), ingested_at=SECOND_DAY)
    second = audit.prove(spark, lake.tables, SECOND_DAY.date(), SECOND_DAY.date())
    assert [(each.kind, numbers(each.samples)) for each in second.breaches] == [
        ("identity_twice", ["3"])
    ]
    first = audit.prove(spark, lake.tables, last=FIRST_DAY.date())
    assert (first.raw, first.stored) == (2, 1)
    assert "lost" in {each.kind for each in first.breaches}


@pytest.mark.slow
def test_records_that_process_has_not_taken_are_pending_and_never_hide_a_lost_one(
    spark: SparkSession, tmp_path: Path
) -> None:
    """`process` and its own checkpoint say what it has taken."""
    now = int(time.time())
    lake = SmallLake(spark, settings_in(tmp_path))
    checkpoint = f"{lake.settings.lake.checkpoints}/process"
    lake.put(event("a", now), event("a", now), event("late", now - 9 * 3600), b"not json")
    assert audit.prove(spark, lake.tables, checkpoint=checkpoint).pending == 4

    lake.process()
    settled = audit.prove(spark, lake.tables, checkpoint=checkpoint)
    assert (settled.stored, settled.twins, settled.quarantined, settled.pending) == (2, 1, 1, 0)
    assert settled.is_clean

    lake.put(event("a", now), event("b", now))
    ahead = audit.prove(spark, lake.tables, checkpoint=checkpoint)
    assert (ahead.pending, ahead.is_clean) == (2, True)
    assert not audit.prove(spark, lake.tables).is_clean

    lake.events().where("event_uuid != 'late'").write.format("delta").mode("overwrite").save(
        lake.tables.events.path
    )
    robbed = audit.prove(spark, lake.tables, checkpoint=checkpoint)
    assert robbed.pending == 2
    [breach] = robbed.breaches
    assert (breach.kind, [each.event_uuid for each in breach.samples]) == ("lost", ["late"])


def test_the_command_prints_the_report_and_its_exit_code_tells_the_outcome(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = HandmadeLake(spark, tmp_path)
    lake.raw((1, event("a", EPOCH)))
    assert audit.run(lake.arguments("--json", "--drained")) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["clean"], told["raw"], told["breaches"][0]["kind"]) == (False, 1, "lost")

    lake.events((1, event("a", EPOCH), "a", CREATED))
    assert audit.run(lake.arguments("--from", "2026-01-01", "--to", "2026-01-31")) == 0
    assert "clean: nothing lost, nothing twice" in capsys.readouterr().out


def test_dates_in_the_wrong_order_and_a_missing_lake_are_said_plainly(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = HandmadeLake(spark, tmp_path)
    with pytest.raises(ConfigError, match="--from 2026-01-02 is after --to 2026-01-01"):
        audit.run(lake.arguments("--from", "2026-01-02", "--to", "2026-01-01"))
    nowhere = Lake(raw=f"{tmp_path}/x", processed=f"{tmp_path}/y", checkpoints=f"{tmp_path}/z")
    with pytest.raises(LakeError, match="no table at"):
        audit.prove(spark, tables(nowhere))


def test_the_report_is_a_table_with_each_breach_below() -> None:
    sample = Sample(
        shard_id=SHARD,
        sequence_number="7",
        sub_sequence_number=0,
        attempt=1,
        event_uuid="e1",
        created_at="2026-01-02T03:04:05.000000Z",
    )
    report = Report(
        first=date(2026, 1, 5),
        last=None,
        raw=1234,
        stored=1000,
        twins=200,
        quarantined=30,
        pending=1,
        reasons={"not_json": 10, "not_utf8": 20},
        breaches=[Breach("lost", 3, (sample,))],
    )
    assert list(report.lines()) == [
        "audit of ingest dates 2026-01-05 to the last",
        "raw records                                        1,234",
        "  stored as events                                 1,000",
        "  twins of stored events                             200",
        "  quarantined                                         30",
        "    not_utf8                                          20",
        "    not_json                                          10",
        "  not processed yet                                    1",
        "  not accounted for                                    3",
        "BREACH lost: 3 "
        "(in raw, but neither stored, nor a twin of a stored event, nor quarantined)",
        f"  {SHARD}/7/0 attempt=1 event_uuid=e1 created_at=2026-01-02T03:04:05.000000Z",
        "  and 2 more",
        "NOT clean",
    ]


def numbers(samples: Sequence[Sample]) -> list[str | None]:
    return [each.sequence_number for each in samples]
