"""Records that hold events in another form become events, each once, and the audit finds them."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import Report, verify_tables
from jobs.config import Checks, Format, Once
from jobs.rebuild import Partitions, rebuild
from jobs.replay import replay
from tests.support.small_lake import SmallLake, event, settings_in
from transforms.quarantine_filter import QuarantineFilter

AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
CREATED = int((AN_HOUR_AGO - timedelta(minutes=1)).timestamp())
LINES = Format(compression="auto", framing="lines")


def _lines(*uuids: str, name: str = "account:created") -> bytes:
    return b"\n".join(event(uuid, CREATED, name) for uuid in uuids)


def _audit(lake: SmallLake) -> Report:
    settings = lake.settings
    return verify_tables(
        lake.spark,
        lake.tables,
        form=settings.format,
        canonical_uuid=settings.once.canonical_uuid,
    )


def _positions(lake: SmallLake) -> list[tuple[str, int]]:
    rows = lake.events().select("event_uuid", "record_index").collect()
    return sorted((row[0], row[1]) for row in rows)


def test_each_event_of_a_record_is_stored_once(lake: SmallLake) -> None:
    """Within a record, between records and after a restart. A bad line rejects itself alone."""
    lines = lake.by_other_rules(format=LINES)
    lines.put(gzip.compress(_lines("a", "b", "a")), _lines("c") + b"\nbroken", b" ", _lines("b"))
    lines.process()
    lines.put(_lines("c", "d"))
    lines.process()

    assert _positions(lines) == [("a", 0), ("b", 1), ("c", 0), ("d", 1)]
    rejected = lines.quarantine().select("record_index", "data", "reasons").collect()
    assert sorted((row[0], bytes(row[1]), row[2]) for row in rejected) == [
        (-1, b" ", ["no_event"]),
        (1, b"broken", ["not_json"]),
    ]
    payloads = lines.events().where("event_uuid = 'a'").select("payload").collect()
    assert [row[0].encode() for row in payloads] == [event("a", CREATED)]
    report = _audit(lines)
    assert (report.stored, report.duplicates, report.quarantined) == (4, 3, 2)
    assert report.is_clean


@pytest.mark.slice("repairs")
def test_records_that_were_rejected_whole_are_replayed_whole(lake: SmallLake) -> None:
    """The hint in quarantine names the setting; with it, a replay makes events of the record."""
    lake.put(gzip.compress(_lines("a", "b")), ingested_at=AN_HOUR_AGO)
    lake.process()
    [rejected] = lake.quarantine().collect()
    assert 'set source.format.compression = "gzip"' in rejected["detail"]

    lines = lake.by_other_rules(
        format=LINES, once=Once(window=timedelta(minutes=2), max_future=timedelta(minutes=1))
    )
    report = replay(
        lines.spark, lines.settings, lines.tables, QuarantineFilter(), dry_run=False, say=print
    )
    assert (report.found, report.accepted, report.appended) == (1, 2, 1)
    lines.process()

    assert _positions(lines) == [("a", 0), ("b", 1)]
    assert _audit(lines).is_clean


@pytest.mark.slice("repairs")
def test_one_event_of_a_record_is_replayed_alone(lake: SmallLake) -> None:
    """The others are not touched. A second replay finds nothing to do."""
    strict = lake.by_other_rules(format=LINES, checks=Checks(event_name_pattern="[a-z]+:[a-z]+"))
    strict.put(_lines("a") + b"\n" + _lines("b", name="B"), ingested_at=AN_HOUR_AGO)
    strict.process()
    assert _positions(strict) == [("a", 0)]

    lines = lake.by_other_rules(format=LINES)
    for accepted in (1, 0):
        report = replay(
            lines.spark, lines.settings, lines.tables, QuarantineFilter(), dry_run=False, say=print
        )
        assert report.accepted == accepted
    lines.process()

    assert _positions(lines) == [("a", 0), ("b", 1)]
    assert _audit(lines).is_clean


@pytest.mark.slice("repairs")
def test_a_rebuild_finds_the_bytes_of_each_event(lake: SmallLake) -> None:
    """Also of events that were stored when a record was one event."""
    lake.put(event("a", CREATED, "account:plan:upgraded"))
    lake.process()
    lines = lake.by_other_rules(format=LINES)
    lines.put(_lines("b", "c", name="account:plan:closed"))
    lines.process()
    assert {row[0] for row in lines.events().select("event_subtype").collect()} == {"plan"}

    by_rest = lines.by_other_rules(events=type(lake.settings.events)(subtype="rest"))
    day = datetime.fromtimestamp(CREATED, UTC).date()
    difference = rebuild(lake.spark, by_rest.settings, by_rest.tables, Partitions(day, day))

    assert (difference.changed, difference.not_in_raw) == (3, 0)
    subtypes = lines.events().select("event_uuid", "event_subtype").collect()
    assert sorted(map(tuple, subtypes)) == [
        ("a", "plan:upgraded"),
        ("b", "plan:closed"),
        ("c", "plan:closed"),
    ]
    assert _audit(lines).is_clean


def test_after_a_lost_checkpoint_another_format_stores_nothing_twice(lake: SmallLake) -> None:
    """A record that was quarantined whole stays there, and the audit takes it as a whole."""
    lake.put(_lines("a", "b"), _lines("c"))
    lake.process()
    lines = lake.by_other_rules(
        format=LINES,
        lake=type(lake.settings.lake)(
            raw=lake.settings.lake.raw,
            processed=lake.settings.lake.processed,
            checkpoints=f"{lake.settings.lake.checkpoints}/again",
        ),
    )
    lines.process()

    assert _positions(lines) == [("c", -1)]
    assert lines.quarantine().count() == 1
    assert _audit(lines).is_clean


def test_members_are_read_where_the_format_says(lake: SmallLake) -> None:
    """An event of EventBridge: its own identifier and time, and the name from its detail."""
    form = Format(
        event_uuid="$.id", event_name="$.detail.kind", created_at="$.time", framing="array"
    )
    bus = lake.by_other_rules(format=form)
    time = datetime.fromtimestamp(CREATED, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    records = [{"id": uuid, "time": time, "detail": {"kind": "order:paid"}} for uuid in "abb"]
    bus.put(json.dumps(records).encode(), json.dumps({"id": "c", "time": time}).encode())
    bus.process()

    assert bus.stored() == ["a", "b"]
    [rejected] = bus.quarantine().collect()
    assert (rejected["event_uuid"], rejected["reasons"]) == ("c", ["missing_event_name"])
    report = _audit(bus)
    assert (report.stored, report.duplicates, report.quarantined) == (2, 1, 1)
    assert report.is_clean


def test_all_spellings_of_a_uuid_are_one_event_if_it_is_wished(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A text that is no UUID stays as it is. The payload keeps what came."""
    uuid = "5f0c9a52-0b1e-4c3d-8e2f-a1b2c3d4e5f6"
    spellings = [uuid, uuid.upper(), f"{{{uuid}}}", f" urn:uuid:{uuid} ", uuid.replace("-", "")]
    once = SmallLake(spark, settings_in(tmp_path, once=Once(canonical_uuid=True)))
    once.put(*(event(each, CREATED) for each in [*spellings[1:3], "no uuid"]))
    once.process()
    once.put(*(event(each, CREATED) for each in [*spellings, "No uuid"]))
    once.process()

    assert once.stored() == [uuid, "No uuid", "no uuid"]
    [payload] = once.events().where(f"event_uuid = '{uuid}'").select("payload").collect()
    assert uuid not in payload[0]
    assert _audit(once).is_clean
