"""This version continues a lake and checkpoints that the version before has written."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.config import Query
from jobs.lake import tables_of
from jobs.rebuild import Partitions, rebuild
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from tests.support.earlier_lake import ONCE, EarlierLake
from tests.support.oracle import expected_of
from tests.support.servers import fake_kinesis
from tests.support.small_lake import event


@pytest.fixture
def earlier(tmp_path: Path) -> Iterator[EarlierLake]:
    with fake_kinesis() as fake:
        yield EarlierLake.unpack(tmp_path / "lake", fake)


def drain(lake: EarlierLake) -> None:
    """`stream --once`."""
    with translated_spark_errors():
        Run(lake.settings(), available_now=True).start([Query.INGEST, Query.PROCESS])


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param(False, id="stopped", marks=pytest.mark.slice("programs")),
        pytest.param(True, id="killed in its last batches"),
    ],
)
def test_an_upgrade_loses_nothing_and_stores_nothing_twice(
    spark: SparkSession, earlier: EarlierLake, caplog: pytest.LogCaptureFixture, killed: bool
) -> None:
    """Both checkpoints are resumed: offsets, runs, generation and state of the version before. New
    offsets use the words of Kinesis, where the version before wrote DRAINED and behind_ms. An event
    that stopped that version is quarantined."""
    checkpoints = earlier.folder / "checkpoints"
    generation = json.loads((checkpoints / "process/generation.json").read_text())
    if killed:  # Spark had planned these batches, and the sinks had written them
        (checkpoints / "ingest/commits/2").unlink()
        (checkpoints / "process/commits/1").unlink()
    records = earlier.records()
    now = earlier.stream_time()
    records.append((_poison_in_raw(spark, earlier), now))
    for data, key in (
        (records[0][0], "key-0"),  # a duplicate of an event that the version before has stored
        (event("uuid-new", int(now.timestamp())), "key-new"),
        (b"not json either", "key-x"),
    ):
        earlier.put(data, key)
        records.append((data, now))

    with caplog.at_level(logging.INFO):
        drain(earlier)

    assert sum("checkpoint=resumed" in message for message in caplog.messages) == 2
    found = json.loads((checkpoints / "process/generation.json").read_text())
    assert found == generation
    shards = _newest_offset(checkpoints)["shards"]
    assert shards["shardId-000000000000"]["state"] == "SHARD_END"
    assert all("behind_ms" not in position for position in shards.values())
    tables = tables_of(earlier.settings().lake, earlier.settings().fields)
    assert verify_tables(spark, tables).is_clean
    expected = expected_of(records, ONCE.max_future)
    stored = tables.events.read(spark).select("event_uuid", F.unix_micros("created_at")).collect()
    assert sorted((row[0], row[1]) for row in stored) == sorted(expected.events)
    quarantined = tables.quarantine.read(spark).select("data").collect()
    assert sorted(bytes(row[0]) for row in quarantined) == sorted(expected.quarantine.elements())


def _poison_in_raw(spark: SparkSession, earlier: EarlierLake) -> bytes:
    """Append what stopped the version before at every start: a name that can be no folder."""
    now = earlier.stream_time()
    data = event("poison", int(now.timestamp()), name=":".join("a" * 100))
    path = tables_of(earlier.settings().lake).raw.path
    schema = spark.read.format("delta").load(path).schema
    place = ("shardId-000000000009", "1", 0)
    row = (bytearray(data), "key", *place, now, now, now.date(), 0)
    spark.createDataFrame([row], schema).write.format("delta").mode("append").save(path)
    return data


def _newest_offset(checkpoints: Path) -> dict[str, Any]:
    """What the last batch of `ingest` has planned."""
    batches = [path for path in (checkpoints / "ingest/offsets").iterdir() if path.name.isdigit()]
    newest = max(batches, key=lambda path: int(path.name))
    offset: dict[str, Any] = json.loads(newest.read_text().splitlines()[2])
    assert offset["version"] == 2
    return offset


def test_a_rebuild_corrects_is_late_of_the_version_before(
    spark: SparkSession, earlier: EarlierLake
) -> None:
    """It said that an event had to be looked up; now it says that the event arrived late."""
    settings = earlier.settings()
    tables = tables_of(settings.lake, settings.fields)
    events = tables.events.read(spark)
    assert events.where("NOT is_late").count() == 0
    dates = [row[0] for row in events.select("event_date").distinct().collect()]

    found = rebuild(spark, settings, tables, Partitions(min(dates), max(dates)))

    assert [change.column for change in found.columns] == ["is_late"]
    is_late = F.col("arrived_at") - F.col("created_at") > F.lit(ONCE.window)
    wrong = tables.events.read(spark).where(F.col("is_late") != is_late)
    assert wrong.count() == 0
    # Of 64 events six were created three days before, and four a minute before they were put.
    assert found.changed == 64 - 6 - 4
