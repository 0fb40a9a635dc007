"""Compare the tables of a lake with the oracle."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.lake import Table, Tables
from tests.support.oracle import expected


def assert_exact(spark: SparkSession, tables: Tables, put: Iterable[bytes]) -> None:
    """Check that the audit is clean, and that each table has exactly the rows of the oracle."""
    report = verify_tables(spark, tables)
    assert report.is_clean, "\n".join(report.lines())
    wanted = expected(put, datetime.now(UTC))
    assert _bytes_of(spark, tables.raw) == wanted.raw
    assert _bytes_of(spark, tables.quarantine) == wanted.quarantine
    events = tables.events.read(spark).select(
        "event_uuid", F.unix_micros("created_at"), F.col("payload").cast("binary")
    )
    stored = [((row[0], row[1]), bytes(row[2])) for row in events.collect()]
    assert Counter(identity for identity, _ in stored) == dict.fromkeys(wanted.events, 1)
    assert all(payload in wanted.events[identity] for identity, payload in stored)


def _bytes_of(spark: SparkSession, table: Table) -> Counter[bytes]:
    return Counter(bytes(row[0]) for row in table.read(spark).select("data").collect())
