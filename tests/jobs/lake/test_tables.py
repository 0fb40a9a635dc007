"""A table is created once, gets new columns, and keeps the types of its columns."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.config import Lake
from jobs.errors import ConfigError, LakeError
from jobs.lake.tables import Table, tables_of
from tests.support.small_lake import settings_in
from transforms.enrichment import Field


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(f"{tmp_path}/table", "number bigint, part int", ("part",), ("number",))


def test_creating_a_table_again_changes_nothing(spark: SparkSession, table: Table) -> None:
    """Every start creates the tables, and their rows stay."""
    assert not table.exists(spark)
    table.create(spark)
    rows = spark.createDataFrame([(7, 1)], table.schema)
    rows.write.format("delta").mode("append").save(table.path)
    table.create(spark)
    assert table.exists(spark)
    assert [tuple(row) for row in table.read(spark).collect()] == [(7, 1)]


def test_a_version_of_a_table_can_be_read(spark: SparkSession, table: Table) -> None:
    """Version 0 is the creation, and each append adds one."""
    table.create(spark)
    rows = spark.createDataFrame([(7, 1)], table.schema)
    for _ in range(2):
        rows.write.format("delta").mode("append").save(table.path)
    assert [table.read(spark, version).count() for version in (0, 1, 2)] == [0, 1, 2]


def test_columns_that_are_missing_are_added(spark: SparkSession, table: Table) -> None:
    """A promoted field becomes a column, which is null in the rows that are already stored."""
    table.create(spark)
    rows = spark.createDataFrame([(7, 1)], table.schema)
    rows.write.format("delta").mode("append").save(table.path)
    wider = Table(table.path, f"{table.schema}, name string", ("part",), ("number",))
    assert [column.name for column in wider.missing_columns(spark)] == ["name"]
    wider.create(spark)
    assert wider.missing_columns(spark) == []
    assert [tuple(row) for row in wider.read(spark).collect()] == [(7, 1, None)]


def test_a_column_of_another_type_is_rejected(spark: SparkSession, table: Table) -> None:
    """The error names the column, both types and the solution."""
    table.create(spark)
    other = Table(table.path, "number string, part int", ("part",), ("number",))
    message = r"column number of .*table: expected type string, found bigint.*another name"
    with pytest.raises(LakeError, match=message):
        other.create(spark)


def test_a_missing_table_is_reported_with_its_path(spark: SparkSession, table: Table) -> None:
    """The error says which command creates it."""
    with pytest.raises(LakeError, match=rf"no table at {table.path}\. Run `stream` or `ingest`"):
        table.read(spark)


def test_a_path_that_cannot_be_written_is_reported(spark: SparkSession, tmp_path: Path) -> None:
    """The error is one line that begins with the path."""
    (tmp_path / "file").write_text("")
    table = Table(f"{tmp_path}/file/table", "number bigint", (), ("number",))
    with pytest.raises(LakeError, match=rf"^the table at {table.path} cannot be created: "):
        table.create(spark)


def test_the_tables_of_a_lake_are_below_its_paths() -> None:
    """Promoted fields are columns of events only."""
    lake = Lake(raw="s3://raw/", processed="s3://processed", checkpoints="unused")
    tables = tables_of(lake, (Field("user_id", "$.user.id", "bigint"),))
    assert tables.raw.path == "s3://raw/records"
    assert tables.events.path == "s3://processed/events"
    assert tables.quarantine.path == "s3://processed/quarantine"
    assert tables.events.schema.endswith(", user_id bigint")
    assert "user_id" not in tables.raw.schema + tables.quarantine.schema


def test_the_form_of_uuids_is_chosen_when_the_lake_is_new(
    spark: SparkSession, tmp_path: Path
) -> None:
    """With the other form, duplicates of stored events would not be found. Lakes of earlier
    versions have no canonical UUIDs."""
    lake = settings_in(tmp_path).lake
    tables_of(lake, canonical_uuid=True).create(spark)
    tables_of(lake, canonical_uuid=True).create(spark)
    with pytest.raises(ConfigError, match=r"canonical_uuid is false, but .* created with true"):
        tables_of(lake).create(spark)

    earlier = settings_in(tmp_path / "earlier").lake
    tables_of(earlier).create(spark)
    events = tables_of(earlier).events.path
    spark.sql(f"ALTER TABLE delta.`{events}` UNSET TBLPROPERTIES ('event_lake.canonical_uuid')")
    tables_of(earlier).create(spark)
    with pytest.raises(ConfigError, match="canonical_uuid is true"):
        tables_of(earlier, canonical_uuid=True).create(spark)
