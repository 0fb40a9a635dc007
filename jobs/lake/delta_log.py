"""What the log of a Delta table tells, without opening a data file."""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.runtime.filesystem import Folder
from jobs.lake.tables import Table
from transforms.columns import EVENT_NAME


def stored_names(spark: SparkSession, events: Table) -> set[str]:
    """The names that `events` holds, in its log as it was last read."""
    files = DataFrame(_snapshot(spark, events).allFiles().toDF(), spark)
    names = files.select(f"partitionValues.{EVENT_NAME}").distinct().collect()
    return {row[0] for row in names}


def last_batch(spark: SparkSession, table: Table, application: str) -> int | None:
    """The number of the application's last commit to `table`, in its log as it was last read."""
    last = _snapshot(spark, table).transactions().get(application)
    return int(last.get()) if last.isDefined() else None


def version(spark: SparkSession, table: Table) -> int:
    """The number of the table's last commit, in its log as it was last read."""
    return int(_snapshot(spark, table).version())


def pinned(spark: SparkSession, table: Table) -> tuple[DataFrame, int]:
    """The newest version of `table`, which stays so however often it is read, and its number."""
    table.read(spark)  # reads the log anew
    newest = version(spark, table)
    return table.read(spark, newest), newest


def noted_in(spark: SparkSession, table: Table, note: str, after: int) -> int | None:
    """The commit behind version `after` that has `note` as its `userMetadata`, or None."""
    behind = takewhile(lambda commit: commit[0] > after, notes(spark, table))
    return next((number for number, each in behind if each == note), None)


def notes(spark: SparkSession, table: Table) -> Iterator[tuple[int, str]]:
    """The number of each commit and its `userMetadata`, or empty: from the newest in the log as it
    was last read to the oldest that is still a file.

    The commits are read as files (https://github.com/delta-io/delta/blob/master/PROTOCOL.md): for
    the newest one of an application, Delta would put all of the table's state together anew.
    """
    commits = Folder(spark, f"{table.path}/_delta_log")
    for number in range(version(spark, table), -1, -1):
        commit = commits.read(f"{number:020d}.json")
        if commit is None:
            return
        yield number, _note(commit)


def has_files(spark: SparkSession, table: Table) -> bool:
    """True unless the table has no data file, in its log as it was last read."""
    return int(_snapshot(spark, table).numOfFiles()) > 0


def table_id(spark: SparkSession, table: Table) -> str:
    """What Delta calls the table: another one where it was deleted and made anew."""
    table.read(spark)  # reads the log anew
    return str(_snapshot(spark, table).metadata().id())


def _note(commit: str) -> str:
    lines = commit.splitlines()
    infos = (json.loads(line)["commitInfo"] for line in lines if line.startswith('{"commitInfo"'))
    return next((info.get("userMetadata", "") for info in infos), "")


def _snapshot(spark: SparkSession, table: Table) -> Any:
    log = spark._jvm.org.apache.spark.sql.delta.DeltaLog  # type: ignore[union-attr]
    return log.forTable(spark._jsparkSession, table.path).unsafeVolatileSnapshot()
