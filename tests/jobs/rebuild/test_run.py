"""`rebuild` on a lake that `process` has filled by other rules."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.audit import verify as audit
from jobs.cli import main as cli
from jobs.config.settings import Checks, Events
from jobs.errors import ConfigError, LakeError
from jobs.lake.delta_log import pinned
from jobs.rebuild import run as rebuild
from jobs.rebuild.merge import Partitions
from jobs.rebuild.report import ColumnChange, Difference, Example
from tests.support.small_lake import SmallLake, event, reasons_by_data
from transforms.columns import EVENT_UUID
from transforms.compose import Transform, compose
from transforms.enrichment.promoted_fields import Field

TEN = 1767261600  # 2026-01-01T10:00Z
NEXT_DAY = TEN + 86_400
FIRST = date(2026, 1, 1)
PARTITIONS = Partitions(FIRST, FIRST)
QUIZ = "lesson:quiz:started"
USER = Field("user_id", "$.user.id", "bigint")


@pytest.mark.slow
def test_old_rows_get_a_new_column_and_a_corrected_one_in_the_chosen_partitions_alone(
    lake: SmallLake,
) -> None:
    """A dry run tells all of it and writes nothing; what tells of the first processing stays; a
    second run has nothing to do."""
    lake.put(
        event("a", TEN, QUIZ, user={"id": 7}),
        event("b", TEN, QUIZ),
        event("other name", TEN, "page:view:seen", user={"id": 7}),
        event("other date", NEXT_DAY, QUIZ, user={"id": 7}),
        event("a", TEN, "twin:of:a"),
        b"not json",
    )
    lake.process()
    today = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))
    partitions = Partitions(FIRST, FIRST, (QUIZ, "no:such:name"))
    before, versions = firsts(lake), versions_of(lake)
    chosen = "event_name = 'lesson:quiz:started' AND event_date = '2026-01-01'"
    elsewhere = files(lake, f"NOT ({chosen})")

    told = rebuild.rebuild(lake.spark, today.settings, partitions, dry_run=True)

    assert told == Difference(
        first=FIRST,
        last=FIRST,
        names=(QUIZ, "no:such:name"),
        version=versions[0],
        partitions=1,
        rows=2,
        changed=2,
        columns=(
            ColumnChange(
                "event_subtype",
                2,
                (
                    Example(position(1), "quiz", "quiz:started"),
                    Example(position(2), "quiz", "quiz:started"),
                ),
            ),
            ColumnChange("user_id", 1, (Example(position(1), None, "7"),)),
        ),
        new_columns=("user_id",),
    )
    assert versions_of(lake) == versions
    assert "user_id" not in lake.events().columns

    assert rebuild.rebuild(lake.spark, today.settings, partitions) == told
    rows = lake.events().select("event_uuid", "event_subtype", "user_id").collect()
    assert sorted(tuple(row) for row in rows) == [
        ("a", "quiz:started", 7),
        ("b", "quiz:started", None),
        ("other date", "quiz", None),
        ("other name", "view", None),
    ]
    assert firsts(lake) == before
    assert files(lake, f"NOT ({chosen})") == elsewhere
    assert audit.prove(lake.spark, today.tables).is_clean
    assert_keeps_to_the_protocol(lake)

    versions = versions_of(lake)
    again = rebuild.rebuild(lake.spark, today.settings, partitions)
    assert (again.rows, again.is_nothing, again.new_columns) == (2, True, ())
    assert versions_of(lake) == versions


@pytest.mark.slow
def test_an_event_that_is_rejected_now_goes_to_quarantine_and_its_twins_are_accounted_for(
    lake: SmallLake,
) -> None:
    """A twin that today's rules take stands in for it, unless it has a place of its own."""
    refused = event("refused", TEN, "a:b")
    replaced, twin = event("replaced", TEN, "a:b"), event("replaced", TEN, "plain", extra=1)
    first, placed = event("first", TEN, "a:b"), event("first", TEN, "has a space")
    lake.put(event("kept", TEN, "plain"), refused, refused, replaced, replaced, twin, first, placed)
    lake.process()
    assert lake.stored() == ["first", "kept", "refused", "replaced"]
    assert reasons_by_data(lake.quarantine()) == {placed: ["invalid_event_name"]}

    today = lake.by_other_rules(checks=Checks(event_name_pattern="[a-z ]+"))
    told = rebuild.rebuild(lake.spark, today.settings, PARTITIONS)

    assert (told.rows, told.changed, told.rejected, told.replaced) == (4, 0, 3, 1)
    assert told.reasons == {"invalid_event_name": 3}
    stored = lake.events().select("event_uuid", "event_name", "payload", "sequence_number")
    assert sorted((*row[:2], row[2].encode(), int(row[3])) for row in stored.collect()) == [
        ("kept", "plain", event("kept", TEN, "plain"), 1),
        ("replaced", "plain", twin, 6),
    ]
    withdrawn = ["invalid_event_name", "withdrawn"]
    assert reasons_by_data(lake.quarantine()) == {
        placed: ["invalid_event_name"],
        refused: withdrawn,
        replaced: withdrawn,
        first: withdrawn,
    }
    proof = audit.prove(lake.spark, today.tables)
    assert proof.is_clean
    assert (proof.stored, proof.quarantined, proof.twins) == (2, 4, 2)
    versions = versions_of(lake)
    assert rebuild.rebuild(lake.spark, today.settings, PARTITIONS).is_nothing
    assert versions_of(lake) == versions


def test_rows_whose_record_is_gone_stay_as_they_are(lake: SmallLake) -> None:
    """The retention of raw took it; the row is counted, not dropped."""
    lake.put(event("gone", TEN, QUIZ), ingested_at=datetime(2026, 1, 1, 11, tzinfo=UTC))
    lake.put(event("there", TEN, QUIZ), ingested_at=datetime(2026, 1, 2, 11, tzinfo=UTC))
    lake.process()
    DeltaTable.forPath(lake.spark, lake.tables.raw.path).delete("ingest_date = '2026-01-01'")
    today = lake.by_other_rules(events=Events(subtype="rest"))
    told = rebuild.rebuild(lake.spark, today.settings, PARTITIONS)
    assert (told.rows, told.changed, told.not_in_raw) == (2, 1, 1)
    rows = lake.events().select("event_uuid", "event_subtype").collect()
    assert sorted(tuple(row) for row in rows) == [("gone", "quiz"), ("there", "quiz:started")]


def test_an_event_that_would_become_another_one_stops_the_rebuild(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its new identity may be stored already, or come with the stream."""
    lake.put(event("a", TEN, QUIZ), event("B", TEN, QUIZ))
    lake.process()
    today = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))
    monkeypatch.setattr(pipeline, "judged", _in_capitals(pipeline.judged))
    versions = versions_of(lake)
    told = rebuild.rebuild(lake.spark, today.settings, PARTITIONS, dry_run=True)
    assert told.identities == (ColumnChange("event_uuid", 1, (Example(position(1), "a", "A"),)),)
    with pytest.raises(LakeError, match=r'another identity .*event_uuid "a" -> "A"  shardId'):
        rebuild.rebuild(lake.spark, today.settings, PARTITIONS)
    assert versions_of(lake) == versions


def test_the_command_line(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dates and names as options, the difference as text or JSON, errors as they are elsewhere."""
    monkeypatch.setattr(cli.session, "stop", lambda: None)
    lake.put(event("a", TEN, QUIZ))
    lake.process()
    given = ["rebuild", "--from", "2026-01-01", "--to", "2026-01-01", *options(lake)]
    rest = ["--set", "events.subtype=rest"]
    assert cli.main([*given, *rest, "--name", QUIZ, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 1
    assert cli.main([*given, *rest]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "events from 2026-01-01 to 2026-01-01, version 2 of the table",
        "partitions                                             1",
        "events                                                 1",
        "  changed                                              1",
        "    event_subtype                                      1",
        f'      "quiz" -> "quiz:started"  {position(1)}',
        "  to quarantine                                        0",
        "  not in raw any more, left as they are                0",
        "rebuilt",
    ]
    assert cli.main([*given, *rest]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing to change"
    assert cli.main([*given, "--to", "2025-12-31"]) == ConfigError.exit_code
    assert "--from 2026-01-01 is after --to 2025-12-31" in capsys.readouterr().err


def position(number: int) -> str:
    """Of the record that was put as number `number`."""
    return f"shardId-000000000000/{number:056d}/0/0"


def firsts(lake: SmallLake) -> list[tuple[Any, ...]]:
    """What the rows tell of their first processing."""
    kept = ("sequence_number", "arrived_at", "ingested_at", "processed_at", "is_late", "payload")
    return sorted(tuple(row) for row in lake.events().select(*kept).collect())


def versions_of(lake: SmallLake) -> tuple[int, int]:
    """Of events and of quarantine."""
    events, quarantine = (
        pinned(lake.spark, table)[1] for table in (lake.tables.events, lake.tables.quarantine)
    )
    return events, quarantine


def files(lake: SmallLake, where: str) -> list[str]:
    """The files of the partitions that the predicate chooses."""
    return sorted(lake.events().where(where).inputFiles())


def options(lake: SmallLake) -> list[str]:
    """The lake on the command line."""
    place = lake.settings.lake
    chosen = {
        "source.stream": "unused",
        "lake.raw": place.raw,
        "lake.processed": place.processed,
        "lake.checkpoints": place.checkpoints,
    }
    return [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]


def assert_keeps_to_the_protocol(lake: SmallLake) -> None:
    """No feature that other engines lack, and statistics for the lookup of late events."""
    [detail] = lake.spark.sql(f"DESCRIBE DETAIL delta.`{lake.tables.events.path}`").collect()
    assert (detail["minReaderVersion"], detail["minWriterVersion"]) == (1, 2)
    assert set(detail["tableFeatures"]) <= {"appendOnly", "invariants"}
    newest = max(Path(lake.tables.events.path, "_delta_log").glob("*.json"))
    actions = [json.loads(line) for line in newest.read_text().splitlines()]
    added = [action["add"] for action in actions if "add" in action]
    assert [set(json.loads(add["stats"])["minValues"]) for add in added] == [
        {"created_at", "ingested_at", "processed_at"}
    ]
    assert not any("deletionVector" in add for add in added)


def _in_capitals(judged: Callable[..., Transform]) -> Callable[..., Transform]:
    def changed(*settings: Any) -> Transform:
        return compose(
            judged(*settings), lambda rows: rows.withColumn(EVENT_UUID, F.upper(EVENT_UUID))
        )

    return changed
