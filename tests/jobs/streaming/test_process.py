"""`process` on a lake: raw in, events and quarantine out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.config import Checks, Once
from jobs.errors import EventLakeError
from jobs.lake import Table, WriterFence
from tests.support.small_lake import SmallLake, event, reasons_by_data, settings_in
from transforms.enrichment import Field

HOUR = 3600

# Uuid and name of an event that is valid by both rules, only by the old one, only by the new one
NAMED = (("both", "created"), ("before", "a:b"), ("after", "has a space"))


@pytest.fixture
def now() -> int:
    """The time of the test, not of its import: an event that is older than the window is late."""
    return int(time.time())


def test_an_event_is_stored_once_however_often_and_whenever_it_arrives(
    lake: SmallLake, now: int
) -> None:
    """In the same batch, in the next batch, after a restart, hours late, written differently."""
    lake.put(
        event("a", now), event("a", now), event("b", now * 1000), event("late", now - 9 * HOUR)
    )
    lake.process()
    lake.put(event("a", now, extra="another payload"), event("c", now))
    lake.put(event("b", str(now)), event("late", now - 9 * HOUR, name="another:name"))
    lake.process()
    lake.put(event("a", now), event("late", (now - 9 * HOUR) * 1000), event("b", now - 1))
    lake.process()
    assert lake.stored() == ["a", "b", "b", "c", "late"]
    assert sum(batch.records for batch in lake.batches) == 11
    assert all(batch.conserves for batch in lake.batches)


def test_a_lost_checkpoint_stores_nothing_twice(lake: SmallLake, now: int) -> None:
    """All of raw is read again, and what the state has lost is looked up in the tables."""
    lake.put(event("a", now), event("old", now - 9 * HOUR), b"not json")
    lake.process()
    _lose(Path(lake.settings.lake.checkpoints))
    lake.put(event("b", now), event("a", now), b"not json either")
    lake.process()
    assert lake.stored() == ["a", "b", "old"]
    assert reasons_by_data(lake.quarantine()) == {
        b"not json": ["not_json"],
        b"not json either": ["not_json"],
    }
    assert lake.quarantine().count() == 2


def test_a_half_written_batch_is_completed_whatever_the_rules_are_by_then(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: int
) -> None:
    """Events are committed, quarantine is not; then the rules for names change. A record stays in
    its table, and the current rules apply to the others. The run in between dies before it writes
    anything, and passes on the batch in doubt."""
    lake = SmallLake(spark, settings_in(tmp_path))
    both, before, after = (event(uuid, now, name) for uuid, name in NAMED)
    lake.put(both, both, before, after, b"not json")
    with monkeypatch.context() as broken:
        broken.setattr(WriterFence, "append", _all_but_quarantine(WriterFence.append))
        with pytest.raises(EventLakeError, match="killed here"):
            lake.process()
    assert lake.stored() == ["before", "both"]

    again = lake.by_other_rules(checks=Checks(event_name_pattern="[a-z ]+"))
    with monkeypatch.context() as broken:
        broken.setattr(WriterFence, "append", _killed)
        with pytest.raises(EventLakeError, match="killed here"):
            again.process()
    again.process()
    assert again.stored() == ["after", "before", "both"]
    assert reasons_by_data(again.quarantine()) == {b"not json": ["not_json"]}
    assert all(batch.conserves for batch in again.batches)


def test_a_lost_checkpoint_leaves_each_record_where_it_is_though_the_rules_changed(
    spark: SparkSession, tmp_path: Path, now: int
) -> None:
    """A rejected record stays rejected until it is replayed, and a stored event stays stored."""
    lake = SmallLake(spark, settings_in(tmp_path))
    both, before, after = (event(uuid, now, name) for uuid, name in NAMED)
    lake.put(both, before, after)
    lake.process()
    _lose(tmp_path / "checkpoints")
    changed = lake.by_other_rules(checks=Checks(event_name_pattern="[a-z ]+"))
    changed.process()
    assert changed.stored() == ["before", "both"]
    assert reasons_by_data(changed.quarantine()) == {after: ["invalid_event_name"]}


def _all_but_quarantine(append: Callable[..., None]) -> Callable[..., None]:
    def appending(fence: WriterFence, rows: DataFrame, table: Table, *rest: object) -> None:
        if table.path.endswith("quarantine"):
            _killed()
        append(fence, rows, table, *rest)

    return appending


def _killed(*_: object) -> None:
    raise RuntimeError("killed here")


def test_rejected_records_keep_their_bytes_and_every_reason(lake: SmallLake, now: int) -> None:
    """A batch without any event is stored in quarantine, and the stream continues. The tables keep
    to the protocol that other engines read."""
    garbage = {
        b"\xff\xfe": ["not_utf8"],
        b"{": ["not_json"],
        b"": ["not_json"],
        b"[1]": ["not_an_object"],
        event("x", now) + event("y", now): ["trailing_data"],
        b"{}": ["missing_created_at", "missing_event_name", "missing_event_uuid"],
        event("u", "soon", name="no name"): ["created_at_unreadable", "invalid_event_name"],
        event("u", now + HOUR): ["created_at_in_future"],
        event("u", 0): ["created_at_too_old"],
        event("u", "9999-12-31T23:59:59Z"): ["created_at_in_future"],
        # Before the year 1 and after the year 9999
        event("u", -99_999_999_999): ["created_at_unreadable"],
        event("u", "0000-01-01T00:00:00Z"): ["created_at_unreadable"],
        event("u", "9999-12-31T23:59:59-18:00"): ["created_at_unreadable"],
    }
    lake.put(*garbage)
    lake.process()
    lake.put(event("a", now))
    lake.process()
    assert reasons_by_data(lake.quarantine()) == garbage
    assert lake.stored() == ["a"]
    for table in (lake.tables.raw, lake.tables.events, lake.tables.quarantine):
        _assert_other_engines_can_read(lake, table)


def test_events_have_their_columns(spark: SparkSession, tmp_path: Path) -> None:
    """Parts of the name, times, promoted fields, and the unchanged payload."""
    fields = (Field("user_id", "$.user.id", "bigint"), Field("amount", "$.amount", "decimal(10,2)"))
    lake = SmallLake(spark, settings_in(tmp_path, fields=fields))
    payload = event("a", 1767225600, "payment:order:completed", user={"id": 7}, amount=12.5)
    arrived = datetime(2026, 1, 1, 0, 0, 5, tzinfo=UTC)
    lake.put(payload, ingested_at=arrived)
    lake.process()
    [row] = lake.events().collect()
    found = row.asDict()
    assert found.pop("processed_at").astimezone(UTC) > arrived
    assert {name: found[name] for name in ("created_at", "arrived_at", "ingested_at")} == {
        "created_at": _local(datetime(2026, 1, 1, tzinfo=UTC)),
        "arrived_at": _local(arrived),
        "ingested_at": _local(arrived),
    }
    assert str(found["event_date"]) == "2026-01-01"
    assert str(found["amount"]) == "12.50"
    plain = ("event_uuid", "event_name", "event_type", "event_subtype", "created_datetime")
    assert [found[name] for name in plain] == [
        "a",
        "payment:order:completed",
        "payment",
        "order",
        "2026-01-01T00:00:00.000000Z",
    ]
    assert found["payload"].encode() == payload
    assert (found["user_id"], found["is_late"], found["attempt"]) == (7, False, 0)


def test_names_past_the_cap_go_to_quarantine(spark: SparkSession, tmp_path: Path, now: int) -> None:
    """A producer that invents names cannot make a folder for each. Known names are accepted."""
    lake = SmallLake(spark, settings_in(tmp_path, checks=Checks(max_event_names=2)))
    lake.put(event("1", now, "a:a"))
    lake.process()
    lake.put(event("2", now, "b:b"), event("3", now, "c:c"), event("4", now, "a:a"))
    lake.process()
    assert lake.stored() == ["1", "2", "4"]
    assert reasons_by_data(lake.quarantine()) == {event("3", now, "c:c"): ["too_many_event_names"]}


def test_a_field_added_later_is_a_new_column(spark: SparkSession, tmp_path: Path, now: int) -> None:
    """It is null in old events, whose files are not rewritten."""
    before = SmallLake(spark, settings_in(tmp_path))
    before.put(event("a", now, user_id=1))
    before.process()
    fields = (Field("user_id", "$.user_id", "bigint"),)
    after = SmallLake(spark, settings_in(tmp_path, fields=fields), _records=1)
    after.put(event("b", now, user_id=2))
    after.process()
    rows = after.events().select("event_uuid", "user_id").collect()
    assert sorted((row[0], row[1]) for row in rows) == [("a", None), ("b", 2)]


def test_a_window_of_seconds_is_as_exact_as_one_of_hours(
    spark: SparkSession, tmp_path: Path, now: int
) -> None:
    """The window decides about cost only: what the state forgets is looked up in the table."""
    once = Once(window=timedelta(seconds=1), max_future=timedelta(0))
    lake = SmallLake(spark, settings_in(tmp_path, once=once))
    for _ in range(2):
        lake.put(event("a", now - 2), event("b", now - 30))
        lake.process()
    assert lake.stored() == ["a", "b"]


def _assert_other_engines_can_read(lake: SmallLake, table: Table) -> None:
    """DuckDB, delta-rs, Athena and Spectrum reject or misread newer features."""
    detail = lake.spark.sql(f"DESCRIBE DETAIL delta.`{table.path}`").first()
    assert detail is not None
    assert (detail["minReaderVersion"], detail["minWriterVersion"]) <= (1, 2)
    assert set(detail["tableFeatures"]) <= {"appendOnly", "invariants"}


def _lose(folder: Path) -> None:
    folder.rename(folder.with_name("lost"))


def _local(time: datetime) -> datetime:
    """A time as PySpark returns it: naive, in the time zone of this machine."""
    return time.astimezone().replace(tzinfo=None)
