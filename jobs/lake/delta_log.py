"""Read the log of a Delta table without opening a data file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.lake.tables import Table
from jobs.runtime import HadoopDirectory
from transforms.columns import EVENT_NAME


@dataclass(frozen=True)
class DataFile:
    """A file of a table: its URI, its partition (column and value each) and its size in bytes."""

    path: str
    partition: tuple[tuple[str, str | None], ...]
    bytes: int


def data_files(spark: SparkSession, table: Table) -> list[DataFile]:
    """The files of the newest version of the table, by partition.

    Raises:
        LakeError: there is no table at the path.
    """
    table.read(spark)  # refreshes the snapshot of the log
    files = DataFrame(_snapshot(spark, table).allFiles().toDF(), spark)
    jvm: Any = spark._jvm
    root = jvm.org.apache.hadoop.fs.Path(table.path)
    found = [
        DataFile(
            # The log has a path that is relative to the table, as a URI.
            str(jvm.org.apache.hadoop.fs.Path(root, _path(jvm, row["path"])).toString()),
            tuple((name, row["partitionValues"][name]) for name in table.partitioned_by),
            row["size"],
        )
        for row in files.select("path", "partitionValues", "size").collect()
    ]
    return sorted(found, key=lambda file: (str(file.partition), file.path))


def stored_event_names(spark: SparkSession, events: Table) -> set[str]:
    """The event names that `events` contains, from the current snapshot of its log."""
    files = DataFrame(_snapshot(spark, events).allFiles().toDF(), spark)
    names = files.select(f"partitionValues.{EVENT_NAME}").distinct().collect()
    return {row[0] for row in names}


def last_transaction_version(spark: SparkSession, table: Table, application: str) -> int | None:
    """The version of the application's last commit to `table`, from the current snapshot."""
    last = _snapshot(spark, table).transactions().get(application)
    return int(last.get()) if last.isDefined() else None


def table_version(spark: SparkSession, table: Table) -> int:
    """The version of `table` in the current snapshot of its log."""
    return int(_snapshot(spark, table).version())


def pinned(spark: SparkSession, table: Table) -> tuple[DataFrame, int]:
    """The newest version of `table` as a frame that always reads that version, and its number."""
    table.read(spark)  # refreshes the snapshot of the log
    newest = table_version(spark, table)
    return table.read(spark, newest), newest


def commit_with_note(spark: SparkSession, table: Table, note: str, after: int) -> int | None:
    """The version of the commit after version `after` whose `userMetadata` is `note`, or None."""
    newer = takewhile(lambda commit: commit[0] > after, commit_notes(spark, table))
    return next((version for version, each in newer if each == note), None)


def commit_notes(spark: SparkSession, table: Table) -> Iterator[tuple[int, str]]:
    """The version and the `userMetadata` (or empty text) of each commit, the newest first.

    They start at the current snapshot and end at the oldest commit whose JSON file still exists.

    The commit files are read directly (https://github.com/delta-io/delta/blob/master/PROTOCOL.md):
    Delta's API would reconstruct the state of the table for each of them.
    """
    commits = HadoopDirectory(spark, f"{table.path}/_delta_log")
    for version in range(table_version(spark, table), -1, -1):
        commit = commits.read(f"{version:020d}.json")
        if commit is None:
            return
        yield version, _user_metadata(commit)


def has_files(spark: SparkSession, table: Table) -> bool:
    """True if the table has a data file in the current snapshot of its log."""
    return int(_snapshot(spark, table).numOfFiles()) > 0


def table_id(spark: SparkSession, table: Table) -> str:
    """Delta's identifier of the table. A table that is deleted and created again gets a new one."""
    table.read(spark)  # refreshes the snapshot of the log
    return str(_snapshot(spark, table).metadata().id())


def _path(jvm: Any, uri: str) -> Any:
    return jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(uri))


def _user_metadata(commit: str) -> str:
    lines = commit.splitlines()
    infos = (json.loads(line)["commitInfo"] for line in lines if line.startswith('{"commitInfo"'))
    return next((info.get("userMetadata", "") for info in infos), "")


def _snapshot(spark: SparkSession, table: Table) -> Any:
    log = spark._jvm.org.apache.spark.sql.delta.DeltaLog  # type: ignore[union-attr]
    return log.forTable(spark._jsparkSession, table.path).unsafeVolatileSnapshot()
