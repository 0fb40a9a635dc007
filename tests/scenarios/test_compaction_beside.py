"""OPTIMIZE and VACUUM work on raw and events in the middle of a batch."""

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server

pytestmark = pytest.mark.slow

RECORDS = 200
# Longer than the files of a held driver are old, shorter than two lives of drivers.
KEPT_SECONDS = 45
INGEST, PROCESS = ("ingest", "--once"), ("process", "--once")
RAW_FILE, STATE, EVENTS_FILE = (
    f"PUT .*/{place}"
    for place in ("raw/records/ingest_date=", "checkpoints/process/state/0/", "events/event_name=")
)


def test_beside_optimize_and_vacuum_batches_die_and_end_exactly(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """A driver is held in its batch while the tables that it reads and writes get other files.

    Killed then, or let on to commit behind the compaction: nothing is lost, nothing is twice.
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
        lake.drain()
    lake.keep_deleted_files(KEPT_SECONDS)
    lake.put(RECORDS)
    lake.run_beside(maintain, RAW_FILE, killed=True, command=INGEST)
    lake.run_beside(maintain, RAW_FILE, killed=False, command=INGEST)
    lake.run_beside(maintain, STATE, killed=True, command=PROCESS)
    lake.run_beside(maintain, EVENTS_FILE, killed=False, command=PROCESS)
    lake.assert_exact()
    assert all(deleted.values()), deleted
    tried("kills", 2)
    tried("records", lake.records_put)
