"""The whole of `process` on a lake of its own: raw in, events and quarantine out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.config.settings import Checks, Once
from jobs.errors import EventLakeError
from jobs.lake.fencing import Claim
from jobs.lake.tables import Table
from jobs.metrics.listener import Batch
from jobs.streaming.runner import Run
from tests.support.small_lake import SmallLake, event, reasons_by_data, settings_in
from transforms.enrichment.promoted_fields import Field

HOUR = 3600

# Uuid and name: sound by either rule, only before the change, only after it
NAMED = (("kept", "created"), ("refused", "a:b"), ("fixed", "has a space"))


@pytest.fixture
def now() -> int:
    """The time of the test, not of its import: what is older than the window goes another way."""
    return int(time.time())


def test_an_event_is_stored_once_however_often_and_whenever_it_comes(
    lake: SmallLake, now: int
) -> None:
    """Twins in the same batch, in the next, after a restart, hours late, in another form."""
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
    """Everything in raw is read again; the table itself answers for what the state has lost."""
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


@pytest.mark.slow
def test_a_half_written_batch_is_completed_whatever_the_rules_are_by_then(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: int
) -> None:
    """Events are committed, quarantine is not; then the rules for names change. A record stays
    where it is, and what had not been stored goes where it belongs now. The run in between dies
    before it has written anything, and passes on what it was left."""
    lake = SmallLake(spark, settings_in(tmp_path))
    kept, refused, fixed = (event(uuid, now, name) for uuid, name in NAMED)
    lake.put(kept, kept, refused, fixed, b"not json")
    with monkeypatch.context() as broken:
        broken.setattr(Claim, "append", _all_but_quarantine(Claim.append))
        with pytest.raises(EventLakeError, match="killed here"):
            lake.process()
    assert lake.stored() == ["kept", "refused"]

    again = lake.by_other_rules(checks=Checks(event_name_pattern="[a-z ]+"))
    with monkeypatch.context() as broken:
        broken.setattr(Claim, "append", _killed)
        with pytest.raises(EventLakeError, match="killed here"):
            again.process()
    again.process()
    assert again.stored() == ["fixed", "kept", "refused"]
    assert reasons_by_data(again.quarantine()) == {b"not json": ["not_json"]}
    assert all(batch.conserves for batch in again.batches)


def test_a_lost_checkpoint_leaves_each_record_where_it_is_though_the_rules_changed(
    spark: SparkSession, tmp_path: Path, now: int
) -> None:
    """What was rejected stays rejected until it is replayed, and what was stored stays stored."""
    lake = SmallLake(spark, settings_in(tmp_path))
    kept, refused, fixed = (event(uuid, now, name) for uuid, name in NAMED)
    lake.put(kept, refused, fixed)
    lake.process()
    _lose(tmp_path / "checkpoints")
    changed = lake.by_other_rules(checks=Checks(event_name_pattern="[a-z ]+"))
    changed.process()
    assert changed.stored() == ["kept", "refused"]
    assert reasons_by_data(changed.quarantine()) == {fixed: ["invalid_event_name"]}


def _all_but_quarantine(append: Callable[..., None]) -> Callable[..., None]:
    def appended(claim: Claim, rows: DataFrame, table: Table, *rest: object) -> None:
        if table.path.endswith("quarantine"):
            _killed()
        append(claim, rows, table, *rest)

    return appended


def _killed(*_: object) -> None:
    raise RuntimeError("killed here")


def test_a_query_that_ends_without_a_word_ends_the_run_with_an_error(
    lake: SmallLake, now: int
) -> None:
    """Spark stops one, for example, when another session starts its like."""

    def stop(_: Batch) -> None:
        for query in lake.spark.streams.active:
            query.stop()

    lake.put(event("a", now))
    with pytest.raises(EventLakeError, match="the query process ended, and Spark does not say why"):
        Run(lake.settings, once=False, on_batch=stop).start(("process",))
    assert lake.stored() == ["a"]


def test_an_error_of_java_is_told_by_what_java_says(
    lake: SmallLake, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line."""
    lake.put(event("a", now))
    ours = lake.spark._jvm.java.lang.Class
    monkeypatch.setattr(Claim, "append", lambda *_: ours.forName("no.such.Class"))
    with pytest.raises(EventLakeError, match=r"^java.lang.ClassNotFoundException: no.such.Class$"):
        lake.process()


def test_rejected_records_keep_their_bytes_and_every_reason(lake: SmallLake, now: int) -> None:
    """A batch of nothing but garbage is stored in quarantine, and the stream goes on."""
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
        # No year that Python knows
        event("u", -99_999_999_999): ["created_at_too_old"],
        event("u", "0000-01-01T00:00:00Z"): ["created_at_too_old"],
        event("u", "9999-12-31T23:59:59-18:00"): ["created_at_in_future"],
    }
    lake.put(*garbage)
    lake.process()
    lake.put(event("a", now))
    lake.process()
    assert reasons_by_data(lake.quarantine()) == garbage
    assert lake.stored() == ["a"]


def test_events_have_their_columns(spark: SparkSession, tmp_path: Path) -> None:
    """What an analyst finds: parts, times, promoted fields, and the payload as it came."""
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
    assert (found["user_id"], found["is_late"], found["attempt"]) == (7, True, 0)


def test_names_past_the_cap_go_to_quarantine(spark: SparkSession, tmp_path: Path, now: int) -> None:
    """A producer that makes names up cannot make a folder of each; known names go on."""
    lake = SmallLake(spark, settings_in(tmp_path, checks=Checks(max_event_names=2)))
    lake.put(event("1", now, "a:a"))
    lake.process()
    lake.put(event("2", now, "b:b"), event("3", now, "c:c"), event("4", now, "a:a"))
    lake.process()
    assert lake.stored() == ["1", "2", "4"]
    assert reasons_by_data(lake.quarantine()) == {event("3", now, "c:c"): ["too_many_event_names"]}


def test_a_field_added_later_is_a_new_column(spark: SparkSession, tmp_path: Path, now: int) -> None:
    """Old events have null there; nothing is rewritten."""
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
    """The window is a matter of cost: what the state forgets, the table remembers."""
    once = Once(window=timedelta(seconds=1), max_future=timedelta(0))
    lake = SmallLake(spark, settings_in(tmp_path, once=once))
    for _ in range(3):
        lake.put(event("a", now - 2), event("b", now - 30))
        lake.process()
    assert lake.stored() == ["a", "b"]


def test_tables_keep_to_the_protocol_that_other_engines_read(lake: SmallLake, now: int) -> None:
    """DuckDB, delta-rs, Athena and Spectrum's manifests refuse, or misread, newer features."""
    lake.put(event("a", now))
    lake.process()
    for table in (lake.tables.raw, lake.tables.events, lake.tables.quarantine):
        detail = lake.spark.sql(f"DESCRIBE DETAIL delta.`{table.path}`").first()
        assert detail is not None
        assert (detail["minReaderVersion"], detail["minWriterVersion"]) <= (1, 2)
        assert set(detail["tableFeatures"]) <= {"appendOnly", "invariants"}


def _lose(folder: Path) -> None:
    folder.rename(folder.with_name("lost"))


def _local(moment: datetime) -> datetime:
    """As PySpark gives timestamps: naive, in the time zone of this machine."""
    return moment.astimezone().replace(tzinfo=None)
