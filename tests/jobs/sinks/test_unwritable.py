"""A partition that cannot be written is named with its records, or set aside; the rest goes on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from jobs.audit import verify_tables
from jobs.config import Process
from jobs.errors import FencedError, LakeError
from jobs.replay import replay
from jobs.sinks.unwritable import append_twice
from tests.support.small_lake import SmallLake, event
from transforms.quarantine_filter import QuarantineFilter

LONG_AGO = datetime.now(UTC) - timedelta(hours=2)
CREATED = int(LONG_AGO.timestamp()) - 60


def test_an_unwritable_partition_is_named_set_aside_and_replayed(lake: SmallLake) -> None:
    """A file is where the folder should be. Nothing is lost on the way, and nothing is doubled."""
    poison, sound = event("p", CREATED, name="poison:pill"), event("s", CREATED)
    lake.put(poison, sound, poison, ingested_at=LONG_AGO)
    obstacle = Path(lake.tables.events.path, "event_name=poison%3Apill")
    obstacle.write_text("a file, not a folder")

    with pytest.raises(LakeError) as named:
        lake.process()
    assert "batch 0:" in str(named.value)
    assert f"event_name='poison:pill' event_date={LONG_AGO.date()}" in str(named.value)
    assert f"1 records, the first at shardId-000000000000/{1:056d}/0/0." in str(named.value)
    assert "process.set_aside_unwritable=true" in str(named.value)
    assert lake.stored() == []

    setting_aside = lake.by_other_rules(process=Process(set_aside_unwritable=True))
    setting_aside.process()
    assert setting_aside.stored() == ["s"]
    [rejected] = setting_aside.quarantine().collect()
    assert rejected["reasons"] == ["unwritable"]
    assert rejected["detail"].startswith("cannot be written: ")
    assert verify_tables(lake.spark, lake.tables).is_clean

    obstacle.unlink()
    replay(lake.spark, lake.settings, lake.tables, QuarantineFilter(), dry_run=False, say=print)
    lake.process()
    assert lake.stored() == ["p", "s"]
    assert verify_tables(lake.spark, lake.tables).is_clean
    left = [path.name for path in Path(lake.tables.events.path).rglob("_probe*")]
    assert left == []


class _Appends:
    """Fails with each of `errors` in turn, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def __call__(self) -> None:
        if self.errors:
            raise self.errors.pop(0)


def test_a_write_that_fails_once_is_tried_once_more() -> None:
    """A disk or a store may fail for a moment. The error of the second time is returned."""
    failed = PySparkException("[TASK_WRITE_FAILED] Task failed while writing rows to events")
    assert append_twice(_Appends()) is None
    assert append_twice(_Appends(failed)) is None
    assert append_twice(_Appends(failed, failed)) is failed


def test_any_other_error_is_raised_at_once() -> None:
    """A conflict or a fence does not concern a partition."""
    appends = _Appends(PySparkException("ConcurrentTransactionException"), FencedError("fenced"))
    with pytest.raises(PySparkException, match="Concurrent"):
        append_twice(appends)
    with pytest.raises(FencedError):
        append_twice(appends)
