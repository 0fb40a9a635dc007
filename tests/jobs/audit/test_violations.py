"""Each kind of violation is found, and its rows are named."""

from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.audit import VIOLATIONS, Sample, verify_tables
from tests.jobs.audit.records import CREATED, EPOCH, numbers
from tests.support.handmade_lake import SHARD, HandmadeLake
from tests.support.small_lake import event


def test_every_violation_is_found_and_its_rows_are_named(
    spark: SparkSession, tmp_path: Path
) -> None:
    """One lake has one of each kind. The rows that are in order are not named."""
    lake = HandmadeLake(spark, tmp_path)
    write_one_of_each(lake)

    report = verify_tables(spark, lake.tables)

    assert not report.is_clean
    assert {each.kind: numbers(each.samples) for each in report.violations} == {
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
        "misderived": ["95"],
    }
    assert set(VIOLATIONS) == {each.kind for each in report.violations}
    assert report.violations[0].samples[0] == Sample(
        shard_id=SHARD,
        sequence_number="10",
        sub_sequence_number=0,
        record_index=-1,
        attempt=0,
        event_uuid="lost",
        created_at="2026-01-02T03:04:05.000000Z",
    )
    assert (report.raw, report.unaccounted) == (22, 6)


def test_a_violation_counts_all_of_its_rows_and_names_some(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The first rows by position are named, as many as the caller wants."""
    lake = HandmadeLake(spark, tmp_path)
    lake.raw(*((number, event(f"lost {number}", EPOCH)) for number in range(10, 15)))
    [violation] = verify_tables(spark, lake.tables, samples=2).violations
    assert (violation.kind, violation.count) == ("lost", 5)
    assert numbers(violation.samples) == ["10", "11"]


def write_one_of_each(lake: HandmadeLake) -> None:
    """Write rows with every kind of violation, and a sound event."""
    lake.raw(
        (1, event("sound", EPOCH)),
        (10, event("lost", EPOCH)),
        (11, event("sound", EPOCH) + event("half", EPOCH)),
        (12, b"lost and never readable"),
        (20, event("read twice", EPOCH)),
        (20, event("read twice", EPOCH)),
        *[(21, event("sound", EPOCH, note="a duplicate, read three times"))] * 3,
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
        (95, event("misderived", EPOCH, name="lesson:started")),
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
    lake.events(  # its type and subtype are those of another name
        (95, event("misderived", EPOCH, name="lesson:started"), "misderived", CREATED),
        name="lesson:started",
    )
    lake.quarantine(
        (40, b"quarantined twice", ["not_json"], None, None),
        (40, b"quarantined twice", ["not_json"], None, None),
        (50, event("both", EPOCH), ["not_json"], None, None),
        (71, b"invented rejection", ["not_json"], None, None),
        (81, b"changed in quarantine!", ["not_json"], None, None),
    )
