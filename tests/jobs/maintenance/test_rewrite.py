"""Files of earlier versions are rewritten, and their rows stay as they are."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.errors import LakeError
from jobs.maintenance import rewrite as rewrite_module
from jobs.maintenance import rewrite_int96
from jobs.rebuild import Partitions, rebuild
from tests.support.parquet_files import rewrite_as_int96, time_types
from tests.support.small_lake import SmallLake, event, settings_in
from transforms.enrichment import Field

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIELDS = (Field("until", "$.until", "timestamp"),)


def _created(days: int) -> int:
    return int((NOON + timedelta(days=days)).timestamp())


@pytest.fixture
def old(spark: SparkSession, tmp_path: Path) -> SmallLake:
    """A lake as an earlier version left it: three partitions of events, and a rejected record."""
    lake = SmallLake(spark, settings_in(tmp_path, fields=FIELDS))
    lake.put(
        *(event(f"e{n}", _created(n), until="9999-12-31T23:59:59Z") for n in range(3)),
        event("future", 99_999_999_999),
        ingested_at=NOON + timedelta(days=3),
    )
    lake.process()
    for table in (lake.tables.raw, lake.tables.events, lake.tables.quarantine):
        rewrite_as_int96(spark, table)
    return lake


def test_a_rewrite_leaves_no_int96_and_every_row(spark: SparkSession, old: SmallLake) -> None:
    """Other engines read the tables then, a stream does not read the rows again, and the next
    rewrite finds nothing."""
    tables = old.tables
    before = sorted(old.events().collect(), key=str)
    with pytest.raises(pa.ArrowInvalid, match="would lose data"):
        DeltaTable(tables.quarantine.path).to_pandas()

    dry = rewrite_int96(spark, tables, dry_run=True)
    assert [(found.files, found.rewritten) for found in dry.tables] == [(1, 0), (3, 0), (1, 0)]
    assert [time_types(spark, tables.events), old.stored()] == [{"INT96"}, ["e0", "e1", "e2"]]
    done = rewrite_int96(spark, tables)
    again = rewrite_int96(spark, tables)

    assert [found.rewritten for found in done.tables] == [1, 3, 1]
    assert [found.files for found in again.tables] == [0, 0, 0]
    assert [*done.lines()][-1] == "rewritten"
    assert [*again.lines()][-1] == "nothing to rewrite"
    assert json.loads(done.to_json())["tables"][1]["partitions"] == 3
    for table in (tables.raw, tables.events, tables.quarantine):
        assert time_types(spark, table) == {"INT64"}
    assert sorted(old.events().collect(), key=str) == before
    [time] = DeltaTable(tables.quarantine.path).to_pandas()["created_at"]
    assert time.isoformat() == "5138-11-16T09:46:39+00:00"
    old.batches.clear()
    old.process()
    assert old.batches == []
    assert verify_tables(spark, tables, fields=FIELDS).is_clean


@pytest.mark.slice("repairs")
def test_a_rewrite_that_dies_between_two_commits_is_completed_by_the_next_one(
    spark: SparkSession, old: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit leaves the table whole."""
    monkeypatch.setattr(rewrite_module, "_MAX_PARTITIONS_OF_A_COMMIT", 1)
    overwrite = rewrite_module._overwrite
    calls: list[Any] = []

    def dying(*arguments: Any) -> None:
        if len(calls) == 2:
            raise RuntimeError("killed here")
        calls.append(arguments)
        overwrite(*arguments)

    with monkeypatch.context() as killed:
        killed.setattr(rewrite_module, "_overwrite", dying)
        with pytest.raises(RuntimeError, match="killed here"):
            rewrite_int96(spark, old.tables)
    assert verify_tables(spark, old.tables, fields=FIELDS).is_clean

    assert [found.files for found in rewrite_int96(spark, old.tables).tables] == [0, 2, 1]
    assert verify_tables(spark, old.tables, fields=FIELDS).is_clean


@pytest.mark.parametrize("conflicts", [1, pytest.param(99, marks=pytest.mark.slice("repairs"))])
def test_what_another_job_commits_meanwhile_stays(
    spark: SparkSession,
    old: SmallLake,
    monkeypatch: pytest.MonkeyPatch,
    conflicts: int,
) -> None:
    """An append to the same partition stays beside it. A job that removes a file of it makes the
    rewrite start again, and after ten such jobs give up without a change."""
    old.put(event("new", _created(0)), ingested_at=NOON + timedelta(days=3))
    beside = _Beside(spark, old, conflicts)
    monkeypatch.setattr(rewrite_module, "_overwrite", beside.failing(rewrite_module._overwrite))
    if conflicts > 10:
        with pytest.raises(LakeError, match="during each of 10 attempts"):
            rewrite_int96(spark, old.tables)
    else:
        rewrite_int96(spark, old.tables)
        assert beside.failed == 1
    assert old.stored() == ["e0", "e1", "e2", "new"]
    assert verify_tables(spark, old.tables, fields=FIELDS).is_clean


class _Beside:
    """Another job: `process` appends once, and some conflicts follow."""

    def __init__(self, spark: SparkSession, lake: SmallLake, conflicts: int) -> None:
        self.spark, self.lake, self.conflicts = spark, lake, conflicts
        self.failed = 0
        self._appended = False

    def __call__(self) -> None:
        if not self._appended:
            self._appended = True
            self.lake.process()

    def failing(self, overwrite: Callable[..., None]) -> Callable[..., None]:
        def attempt(*arguments: Any) -> None:
            if self.failed < self.conflicts:
                self.failed += 1
                self()
                raise _conflict(self.spark)
            overwrite(*arguments)

        return attempt


def _conflict(spark: SparkSession) -> Py4JJavaError:
    """Delta's exception for a file that another commit has removed."""
    assert spark._jvm is not None
    exception = spark._jvm.io.delta.exceptions.ConcurrentDeleteReadException("removed")
    return Py4JJavaError("conflict", exception)


@pytest.mark.slice("repairs")
def test_a_compaction_by_another_engine_is_found_and_repaired(
    spark: SparkSession, tmp_path: Path
) -> None:
    """delta-rs reads INT96 as nanoseconds, so it makes 1816 of the year 9999, and writes that."""
    lake = SmallLake(spark, settings_in(tmp_path, fields=FIELDS))
    events = (event(f"e{n}", _created(0), until="9999-12-31T23:59:59Z") for n in range(2))
    lake.put(*events, ingested_at=NOON)
    lake.process()
    rewrite_as_int96(spark, lake.tables.events, rows_per_file=1)

    DeltaTable(lake.tables.events.path).optimize.compact()

    [violation] = verify_tables(spark, lake.tables, fields=FIELDS).violations
    assert (violation.kind, violation.count) == ("misderived", 2)
    day = NOON.date()
    assert rebuild(spark, lake.settings, lake.tables, Partitions(day, day)).changed == 2
    assert verify_tables(spark, lake.tables, fields=FIELDS).is_clean
    assert time_types(spark, lake.tables.events) == {"INT64"}
