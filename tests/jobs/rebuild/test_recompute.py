"""Stored events are recomputed from their own record; rejected ones are moved or replaced."""

from datetime import UTC, datetime, timedelta

from delta.tables import DeltaTable

from jobs.audit import verify_tables
from jobs.config import Checks
from jobs.rebuild import rebuild
from jobs.rebuild.recompute import recomputed_columns
from jobs.rebuild.report import ColumnChange, Example
from tests.jobs.rebuild.lake_state import (
    PARTITIONS,
    QUIZ,
    TEN,
    position,
    rows_of,
    versions_of,
)
from tests.support.small_lake import SmallLake, event, reasons_by_data

IN_TIME = datetime.fromtimestamp(TEN, UTC) + timedelta(seconds=1)
LATE = IN_TIME + timedelta(days=3)
NAMES_IN_LOWER_CASE = Checks(event_name_pattern="[a-z ]+")


def test_columns_of_the_first_processing_and_the_identity_are_not_recomputed() -> None:
    """Lateness follows from the record, so it is recomputed. The arrival is a fact."""
    columns = ["event_uuid", "created_at", "event_type", "arrived_at", "processed_at", "is_late"]
    assert recomputed_columns([*columns, "shard_id", "user_id"]) == [
        "event_type",
        "is_late",
        "user_id",
    ]


def test_a_rejected_event_goes_to_quarantine_and_its_duplicates_are_accounted_for(
    lake: SmallLake,
) -> None:
    """A duplicate that the current rules accept replaces it, unless a table has the duplicate."""
    refused = event("refused", TEN, "a:b")
    replaced, duplicate = event("replaced", TEN, "a:b"), event("replaced", TEN, "plain", extra=1)
    first, rejected = event("first", TEN, "a:b"), event("first", TEN, "has a space")
    lake.put(
        *(event("stays", TEN, "plain"), refused, refused, replaced, replaced, duplicate, first),
        rejected,
    )
    lake.process()
    assert lake.stored() == ["first", "refused", "replaced", "stays"]
    assert reasons_by_data(lake.quarantine()) == {rejected: ["invalid_event_name"]}

    present = lake.by_other_rules(checks=NAMES_IN_LOWER_CASE)
    difference = rebuild(lake.spark, present.settings, present.tables, PARTITIONS)

    assert (difference.rows, difference.changed) == (4, 0)
    assert (difference.rejected, difference.replaced) == (3, 1)
    assert difference.reasons == {"invalid_event_name": 3}
    stored = rows_of(lake, "event_uuid", "event_name", "payload", "sequence_number")
    assert [(*row[:2], row[2].encode(), int(row[3])) for row in stored] == [
        ("replaced", "plain", duplicate, 6),
        ("stays", "plain", event("stays", TEN, "plain"), 1),
    ]
    withdrawn = ["invalid_event_name", "withdrawn"]
    assert reasons_by_data(lake.quarantine()) == {
        rejected: ["invalid_event_name"],
        refused: withdrawn,
        replaced: withdrawn,
        first: withdrawn,
    }
    report = verify_tables(lake.spark, present.tables)
    assert report.is_clean
    assert (report.stored, report.quarantined, report.duplicates) == (2, 4, 2)
    versions = versions_of(lake)
    assert rebuild(lake.spark, present.settings, present.tables, PARTITIONS).is_nothing
    assert versions_of(lake) == versions


def test_a_wrong_is_late_is_corrected_and_a_right_one_is_left_alone(lake: SmallLake) -> None:
    """Earlier versions stored true for every event that was looked up in the table, also if it had
    arrived in time."""
    lake.put(event("in time", TEN, QUIZ), event("right", TEN, QUIZ), ingested_at=IN_TIME)
    lake.put(event("late", TEN, QUIZ), ingested_at=LATE)
    lake.process()
    assert rows_of(lake, "event_uuid", "is_late") == [
        ("in time", False),
        ("late", True),
        ("right", False),
    ]
    table = DeltaTable.forPath(lake.spark, lake.tables.events.path)
    table.update("event_uuid = 'in time'", {"is_late": "true"})

    difference = rebuild(lake.spark, lake.settings, lake.tables, PARTITIONS)

    assert difference.changed == 1
    assert difference.columns == (
        ColumnChange("is_late", 1, (Example(position(1), "true", "false"),)),
    )
    assert rows_of(lake, "event_uuid", "is_late") == [
        ("in time", False),
        ("late", True),
        ("right", False),
    ]
    assert rebuild(lake.spark, lake.settings, lake.tables, PARTITIONS).is_nothing


def test_a_duplicate_that_replaces_an_event_has_its_own_arrival_and_lateness(
    lake: SmallLake,
) -> None:
    """Only the time of processing is that of the event that it replaces."""
    lake.put(event("first in time", TEN, "a:b"), ingested_at=IN_TIME)
    lake.put(event("first late", TEN, "a:b"), ingested_at=LATE)
    lake.process()
    lake.put(event("first in time", TEN, "plain"), ingested_at=LATE)
    lake.put(event("first late", TEN, "plain"), ingested_at=IN_TIME)
    lake.process()
    before = rows_of(lake, "event_uuid", "event_name", "is_late")
    assert before == [("first in time", "a:b", False), ("first late", "a:b", True)]
    processed_at = rows_of(lake, "event_uuid", "processed_at")

    present = lake.by_other_rules(checks=NAMES_IN_LOWER_CASE)
    difference = rebuild(lake.spark, present.settings, present.tables, PARTITIONS)

    assert (difference.rejected, difference.replaced) == (2, 2)
    stored = lake.events().select("event_uuid", "event_name", "is_late", "arrived_at").collect()
    assert sorted((*row[:3], row[3].astimezone(UTC)) for row in stored) == [
        ("first in time", "plain", True, LATE),
        ("first late", "plain", False, IN_TIME),
    ]
    assert rows_of(lake, "event_uuid", "processed_at") == processed_at
    assert verify_tables(lake.spark, present.tables).is_clean
