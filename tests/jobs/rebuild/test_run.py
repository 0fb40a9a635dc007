"""`rebuild` changes the chosen partitions to the current rules, and nothing else."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import pipeline
from jobs.audit import verify_tables
from jobs.config import Events, Settings
from jobs.errors import LakeError
from jobs.rebuild import Difference, Partitions, rebuild
from jobs.rebuild.report import ColumnChange, Example
from tests.jobs.rebuild.lake_state import (
    FIRST,
    PARTITIONS,
    QUIZ,
    TEN,
    USER,
    position,
    rows_of,
    versions_of,
)
from tests.support.small_lake import SmallLake, event
from transforms.columns import EVENT_UUID
from transforms.compose import Transform, compose

NEXT_DAY = TEN + 86_400


def test_old_rows_get_a_new_column_and_a_corrected_one_in_the_chosen_partitions_alone(
    lake: SmallLake,
) -> None:
    """A dry run reports all of it and writes nothing. The columns of the first processing stay. A
    second run has nothing to do."""
    lake.put(
        event("a", TEN, QUIZ, user={"id": 7}),
        event("b", TEN, QUIZ),
        event("other name", TEN, "page:view:seen", user={"id": 7}),
        event("other date", NEXT_DAY, QUIZ, user={"id": 7}),
        event("a", TEN, "duplicate:of:a"),
        b"not json",
    )
    lake.process()
    present = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))
    partitions = Partitions(FIRST, FIRST, (QUIZ, "no:such:name"))
    facts = ("sequence_number", "arrived_at", "ingested_at", "processed_at", "is_late", "payload")
    before, versions = rows_of(lake, *facts), versions_of(lake)
    chosen = "event_name = 'lesson:quiz:started' AND event_date = '2026-01-01'"
    elsewhere = files(lake, f"NOT ({chosen})")

    planned = rebuild(lake.spark, present.settings, present.tables, partitions, dry_run=True)

    assert planned == Difference(
        first=FIRST,
        last=FIRST,
        names=(QUIZ, "no:such:name"),
        version=versions[0],
        dry_run=True,
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

    done = rebuild(lake.spark, present.settings, present.tables, partitions)
    assert done == replace(planned, dry_run=False)
    assert rows_of(lake, "event_uuid", "event_subtype", "user_id") == [
        ("a", "quiz:started", 7),
        ("b", "quiz:started", None),
        ("other date", "quiz", None),
        ("other name", "view", None),
    ]
    assert rows_of(lake, *facts) == before
    assert files(lake, f"NOT ({chosen})") == elsewhere
    assert verify_tables(lake.spark, present.tables).is_clean
    assert_other_engines_can_read(lake)

    versions = versions_of(lake)
    again = rebuild(lake.spark, present.settings, present.tables, partitions)
    assert (again.rows, again.is_nothing, again.new_columns) == (2, True, ())
    assert versions_of(lake) == versions


def test_rows_whose_record_is_gone_stay_as_they_are(lake: SmallLake) -> None:
    """If the retention of raw has deleted the record, the row is counted, not dropped."""
    lake.put(event("gone", TEN, QUIZ), ingested_at=datetime(2026, 1, 1, 11, tzinfo=UTC))
    lake.put(event("there", TEN, QUIZ), ingested_at=datetime(2026, 1, 2, 11, tzinfo=UTC))
    lake.process()
    DeltaTable.forPath(lake.spark, lake.tables.raw.path).delete("ingest_date = '2026-01-01'")
    present = lake.by_other_rules(events=Events(subtype="rest"))
    difference = rebuild(lake.spark, present.settings, present.tables, PARTITIONS)
    assert (difference.rows, difference.changed, difference.not_in_raw) == (2, 1, 1)
    assert rows_of(lake, "event_uuid", "event_subtype") == [
        ("gone", "quiz"),
        ("there", "quiz:started"),
    ]


def test_an_event_that_would_become_another_one_stops_the_rebuild(
    lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its new identity may already be stored, or arrive with the stream."""
    lake.put(event("a", TEN, QUIZ), event("B", TEN, QUIZ))
    lake.process()
    present = lake.by_other_rules(fields=(USER,), events=Events(subtype="rest"))
    by_old_rules = pipeline.parsed_and_validated
    monkeypatch.setattr(pipeline, "parsed_and_validated", _with_capital_letters(by_old_rules))
    versions = versions_of(lake)
    planned = rebuild(lake.spark, present.settings, present.tables, PARTITIONS, dry_run=True)
    assert planned.identities == (ColumnChange("event_uuid", 1, (Example(position(1), "a", "A"),)),)
    with pytest.raises(LakeError, match=r'another identity .*event_uuid "a" -> "A"  shardId'):
        rebuild(lake.spark, present.settings, present.tables, PARTITIONS)
    assert versions_of(lake) == versions


def files(lake: SmallLake, where: str) -> list[str]:
    """The files of the partitions that match the condition."""
    return sorted(lake.events().where(where).inputFiles())


def assert_other_engines_can_read(lake: SmallLake) -> None:
    """The table has no feature that other engines lack, and statistics for the lookups."""
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


def _with_capital_letters(
    parsed_and_validated: Callable[[Settings], Transform],
) -> Callable[[Settings], Transform]:
    """Other rules, which read `event_uuid` in capital letters."""

    def with_capital_uuid(rows: DataFrame) -> DataFrame:
        return rows.withColumn(EVENT_UUID, F.upper(EVENT_UUID))

    return lambda settings: compose(parsed_and_validated(settings), with_capital_uuid)
