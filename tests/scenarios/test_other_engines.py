"""Other engines read every column of the tables as Spark does, at the borders of each type.

Times from the year 1 to 9999 are read by all of them, because no file stores INT96.
"""

from collections.abc import Callable
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder
from duckdb_extensions import import_extension
from pyspark.sql import SparkSession

from jobs.lake import Table, Tables
from tests.support.border_lake import (
    BORDERS,
    FIELDS,
    REJECTED,
    Rows,
    border_lake,
    normalized,
    rows_by_spark,
)
from tests.support.servers.trino import register, running_trino


@pytest.fixture(scope="module")
def tables(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return border_lake(spark, tmp_path_factory.mktemp("borders")).tables


def _by_pandas(path: str) -> Rows:
    return normalized(DeltaTable(path).to_pandas().to_dict("records"))


def _by_pyarrow(path: str) -> Rows:
    return normalized(DeltaTable(path).to_pyarrow_table().to_pylist())


def _by_datafusion(path: str) -> Rows:
    query = QueryBuilder().register("lake", DeltaTable(path)).execute("SELECT * FROM lake")
    return normalized(pa.table(query.read_all()).to_pylist())


def _by_polars(path: str) -> Rows:
    return normalized(polars.read_delta(path).to_dicts())


def _by_duckdb(path: str) -> Rows:
    with duckdb.connect() as connection:
        import_extension("delta", con=connection)
        connection.execute("SET TimeZone = 'UTC'")
        table = connection.execute(f"SELECT * FROM delta_scan('{path}')").to_arrow_table()
    return normalized(table.to_pylist())


ENGINES = [_by_pandas, _by_pyarrow, _by_datafusion, _by_polars, _by_duckdb]


@pytest.mark.parametrize("read", ENGINES, ids=lambda read: read.__name__.removeprefix("_by_"))
def test_an_engine_reads_every_column_as_spark_does(
    spark: SparkSession, tables: Tables, read: Callable[[str], Rows]
) -> None:
    """The values at the borders are those that were sent."""
    for table in (tables.raw, tables.events, tables.quarantine):
        assert_same(read(table.path), rows_by_spark(spark, table))
    assert_borders(read(tables.events.path), read(tables.quarantine.path))


@pytest.mark.slice("engines")
def test_trino_reads_every_column_as_spark_does(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    """Athena's engine, by SQL. Its times have milliseconds: it rounds the microseconds of Delta."""
    with running_trino(tmp_path) as connection:
        cursor = connection.cursor()
        for name in ("raw", "events", "quarantine"):
            table: Table = getattr(tables, name)
            register(connection, name, table.path)
            columns = cursor.execute(f"DESCRIBE lake.tables.{name}").fetchall()
            times = {column for column, kind, *_ in columns if kind.startswith("timestamp")}
            # As a number: rounded up, the last microsecond of 9999 is a year that Python lacks.
            selected = ", ".join(
                f"CAST(to_unixtime({column}) * 1000 AS bigint) AS {column}"
                if column in times
                else column
                for column, *_ in columns
            )
            rows = cursor.execute(f"SELECT {selected} FROM lake.tables.{name}").fetchall()
            names = [column for column, *_ in columns]
            actual = normalized(dict(zip(names, row, strict=True)) for row in rows)
            expected = rows_by_spark(spark, table)
            for row in expected:
                row.update({time: (row[time] + 500) // 1000 for time in times})
            assert_same(actual, expected)


def assert_same(actual: Rows, expected: Rows) -> None:
    assert [row.keys() for row in actual] == [row.keys() for row in expected]
    differing = [
        (name, found, row[name])
        for other, row in zip(actual, expected, strict=True)
        for name, found in other.items()
        if found != row[name]
    ]
    assert differing == []


def assert_borders(events: Rows, quarantine: Rows) -> None:
    columns = [*(field.name for field in FIELDS), "created_at"]
    assert {row["event_uuid"]: tuple(row[name] for name in columns) for row in events} == BORDERS
    assert {row["event_uuid"]: row["created_at"] for row in quarantine} == REJECTED
