"""Facts about a table that are read from its log."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.lake.append import Transaction, append
from jobs.lake.delta_log import (
    commit_notes,
    commit_with_note,
    has_files,
    last_transaction_version,
    pinned,
    stored_event_names,
    table_id,
    table_version,
)
from jobs.lake.tables import Table

SCHEMA = "number bigint, event_name string"


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Table:
    table = Table(f"{tmp_path}/table", SCHEMA, ("event_name",), ("number",))
    table.create(spark)
    return table


def put(spark: SparkSession, table: Table, version: int, *rows: tuple[int, str]) -> None:
    append(spark.createDataFrame(list(rows), SCHEMA), table, Transaction("app", version))


def test_names_files_and_versions_of_a_table(spark: SparkSession, table: Table) -> None:
    """The names are those of the partitions that have a file now."""
    assert not has_files(spark, table)
    assert stored_event_names(spark, table) == set()
    assert last_transaction_version(spark, table, "app") is None
    put(spark, table, 5, (1, "a:b"), (2, "c"), (3, "c"))
    assert has_files(spark, table)
    assert stored_event_names(spark, table) == {"a:b", "c"}
    assert last_transaction_version(spark, table, "app") == 5
    assert last_transaction_version(spark, table, "other") is None
    assert table_version(spark, table) == 1


def test_a_pinned_frame_does_not_see_later_commits(spark: SparkSession, table: Table) -> None:
    """However often it is read."""
    put(spark, table, 0, (1, "a"))
    frame, version = pinned(spark, table)
    put(spark, table, 1, (2, "a"))
    assert (frame.count(), version) == (1, 1)
    assert table.read(spark).count() == 2


def test_notes_are_read_from_the_newest_commit_to_the_oldest_file(
    spark: SparkSession, table: Table
) -> None:
    """They end where Delta has deleted the files of the log. Other writers leave empty notes."""
    put(spark, table, 0, (1, "a"))
    spark.createDataFrame([(2, "a")], SCHEMA).write.format("delta").mode("append").save(table.path)
    put(spark, table, 1, (3, "a"))
    expected = [(3, "app batch 1"), (2, ""), (1, "app batch 0")]
    assert list(commit_notes(spark, table))[:3] == expected
    (Path(table.path) / f"_delta_log/{1:020d}.json").unlink()
    assert list(commit_notes(spark, table)) == expected[:2]


def test_a_commit_is_found_by_its_note_after_a_version(spark: SparkSession, table: Table) -> None:
    """An equal note of an older commit is not found."""
    put(spark, table, 0, (1, "a"))
    assert commit_with_note(spark, table, "app batch 0", after=0) == 1
    assert commit_with_note(spark, table, "app batch 0", after=1) is None
    assert commit_with_note(spark, table, "app batch 9", after=0) is None


def test_each_table_has_an_identifier_of_its_own(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    """A commit does not change it."""
    other = Table(f"{tmp_path}/other", SCHEMA, ("event_name",), ("number",))
    other.create(spark)
    before = table_id(spark, table)
    put(spark, table, 0, (1, "a"))
    assert table_id(spark, table) == before
    assert table_id(spark, other) != before
