"""OPTIMIZE and VACUUM run on raw and events in the middle of a batch."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.config import Query, Source
from jobs.errors import EventLakeError
from jobs.lake import Table, WriterFence
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from tests.support.exactness import assert_exact
from tests.support.faulty_lake import FaultyLake
from tests.support.servers import FakeKinesis, Server, fake_kinesis
from tests.support.small_lake import SmallLake, event, settings_in

RECORDS = 200
# A driver that is held needs younger files than this. Two lives of a driver take longer.
RETENTION_SECONDS = 45
INGEST, PROCESS = ("ingest", "--once"), ("process", "--once")
RAW_FILE, STATE, EVENTS_FILE = (
    f"PUT .*/{path}"
    for path in ("raw/records/ingest_date=", "checkpoints/process/state/0/", "events/event_name=")
)


def test_a_batch_that_dies_or_continues_after_a_compaction_is_exact(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tried: Callable[[str, int], None],
) -> None:
    """The files of raw and events are replaced when a batch is about to be written: first VACUUM
    deletes those that the compaction before has replaced."""
    append = WriterFence.append
    with fake_kinesis() as fake:
        fake.client().create_stream(StreamName="events", ShardCount=1)
        source = Source(stream="events", endpoint_url=fake.url)
        lake = SmallLake(spark, replace(settings_in(tmp_path), source=source))
        tables = (lake.tables.raw, lake.tables.events)
        deleted = Counter[Table]()

        def run(query: Query, *, dies: bool) -> None:
            def compact_first(
                fence: WriterFence, rows: DataFrame, written: Table, batch: int
            ) -> None:
                if written in tables:
                    for table in tables:
                        deleted[table] += _vacuum(spark, table)
                        DeltaTable.forPath(spark, table.path).optimize().executeCompaction()
                    tried("compactions", 1)
                    if dies:
                        raise RuntimeError("killed here")
                append(fence, rows, written, batch)

            with monkeypatch.context() as patched, translated_spark_errors():
                patched.setattr(WriterFence, "append", compact_first)
                Run(lake.settings, available_now=True).start([query])

        put: list[bytes] = []
        for number in range(2):
            put += _send(fake, number)
            Run(lake.settings, available_now=True).start([*Query])
        put += _send(fake, 2)
        for query in Query:
            with pytest.raises(EventLakeError, match="killed here"):
                run(query, dies=True)
            run(query, dies=False)
    assert_exact(spark, lake.tables, put)
    assert all(deleted[table] for table in tables), deleted
    tried("records", len(put))


@pytest.mark.slice("programs")
def test_a_batch_is_exact_when_its_tables_are_compacted_and_vacuumed_meanwhile(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """A driver is held in its batch while the files of its tables are replaced.

    If it is killed then, or if it commits after the compaction, nothing is lost or stored twice.
    """
    lake = FaultyLake(spark, server, "beside", stream="beside")
    tables = (lake.tables.raw, lake.tables.events)
    deleted = dict.fromkeys(tables, 0)

    def maintain() -> None:
        for table in tables:
            deleted[table] += lake.vacuum(table)
        lake.optimize(*tables)
        tried("compactions", 1)

    for _ in range(2):
        lake.put(RECORDS)
        lake.stream()
    lake.keep_deleted_files(RETENTION_SECONDS)
    lake.put(RECORDS)
    lake.run_beside(maintain, RAW_FILE, killed=True, command=INGEST)
    lake.run_beside(maintain, RAW_FILE, killed=False, command=INGEST)
    lake.run_beside(maintain, STATE, killed=True, command=PROCESS)
    lake.run_beside(maintain, EVENTS_FILE, killed=False, command=PROCESS)
    lake.assert_exact()
    assert all(deleted.values()), deleted
    tried("kills", 2)
    tried("records", lake.records_put)


def _send(fake: FakeKinesis, number: int) -> list[bytes]:
    """Put an event twice, another one, and a record that is none."""
    now = int(time.time())
    first, second = event(f"{number}a", now), event(f"{number}b", now - 9 * 3600)
    put = [first, first, second, b"not json"]
    for data in put:
        fake.client().put_record(StreamName="events", Data=data, PartitionKey="key")
    return put


def _vacuum(spark: SparkSession, table: Table) -> int:
    """Delete all files that `table` does not need now. Return their number."""
    before = len([*Path(table.path).rglob("part-*.parquet")])
    DeltaTable.forPath(spark, table.path).vacuum(0)
    return before - len([*Path(table.path).rglob("part-*.parquet")])
