"""OPTIMIZE and VACUUM run on raw and events in the middle of a batch."""

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server

pytestmark = pytest.mark.slow

RECORDS = 200
# A driver that is held needs younger files than this. Two lives of a driver take longer.
RETENTION_SECONDS = 45
INGEST, PROCESS = ("ingest", "--once"), ("process", "--once")
RAW_FILE, STATE, EVENTS_FILE = (
    f"PUT .*/{path}"
    for path in ("raw/records/ingest_date=", "checkpoints/process/state/0/", "events/event_name=")
)


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
        lake.drain()
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
