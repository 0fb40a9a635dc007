"""Rewrite the files of earlier versions, whose times are stored as INT96: the entry of the room.

    log of a table ──> footers ──> partitions with INT96 files ──> commits, a few partitions each

A commit reads the rows of its partitions and writes them to new files, with INT64 times. Its files
are marked as rearranged (`dataChange=false`), which is Delta's documented form of a compaction:
streams that read the table do not read them again, and appends do not conflict with it
(docs/guarantees.md). An interrupted rewrite is completed by the next one, which finds what is left.
"""

import logging
from collections.abc import Iterator, Sequence

from pyspark.sql import SparkSession

from jobs.lake import (
    NO_LEASE,
    AnyLease,
    Table,
    Tables,
    data_files,
    retry_conflicts,
    write_int64_times,
)
from jobs.maintenance.footers import files_with_int96
from jobs.maintenance.report import Found, Rewrite

# One commit takes seconds, however small its partitions are. After a conflict it is repeated, so it
# is not too large either.
_MAX_PARTITIONS_OF_A_COMMIT = 50
_MAX_BYTES_OF_A_COMMIT = 2**30
_NOTE = "event-lake/maintain rewrite-int96"

log = logging.getLogger(__name__)

Partition = tuple[tuple[str, str | None], ...]


def rewrite_int96(
    spark: SparkSession, tables: Tables, *, dry_run: bool = False, lease: AnyLease = NO_LEASE
) -> Rewrite:
    """Rewrite the partitions that have files with INT96 times, with INT64 times.

    Args:
        lease: that of the lake; each commit waits for it, and the stream goes on between them.

    Raises:
        LakeError: a table is missing, or other jobs changed the same partitions during each
            attempt.
    """
    found = (
        _rewrite_table(spark, table, dry_run, lease)
        for table in (tables.raw, tables.events, tables.quarantine)
    )
    return Rewrite(tables=tuple(found), dry_run=dry_run)


def _rewrite_table(spark: SparkSession, table: Table, dry_run: bool, lease: AnyLease) -> Found:
    files = data_files(spark, table)
    int96 = files_with_int96(spark, files)
    sizes = dict.fromkeys((file.partition for file in int96), 0)
    for file in files:
        if file.partition in sizes:
            sizes[file.partition] += file.bytes
    if not dry_run:
        for partitions in _groups(sizes):
            _commit(spark, table, partitions, lease)
    return Found(
        table=table.path,
        checked=len(files),
        files=len(int96),
        partitions=len(sizes),
        bytes=sum(sizes.values()),
        rewritten=0 if dry_run else len(sizes),
    )


def _groups(sizes: dict[Partition, int]) -> Iterator[list[Partition]]:
    """The partitions of each commit."""
    group: list[Partition] = []
    size = 0
    for partition, more in sizes.items():
        is_full = len(group) == _MAX_PARTITIONS_OF_A_COMMIT or size + more > _MAX_BYTES_OF_A_COMMIT
        if group and is_full:
            yield group
            group, size = [], 0
        group.append(partition)
        size += more
    if group:
        yield group


def _commit(
    spark: SparkSession, table: Table, partitions: Sequence[Partition], lease: AnyLease
) -> None:
    """Rewrite the partitions in one commit, and retry it after a conflict.

    Raises:
        LakeError: another commit conflicted with each attempt.
    """

    def overwrite() -> None:
        with lease.held():
            lease.require()
            _overwrite(spark, table, partitions)

    retry_conflicts(
        overwrite,
        command="maintain",
        failed=f"another job changed the same partitions of {table.path}",
        advice=". Wait for its end, and run `maintain` again: it rewrites what is left",
    )
    log.info("command=maintain table=%s rewritten=%d", table.path, len(partitions))


def _overwrite(spark: SparkSession, table: Table, partitions: Sequence[Partition]) -> None:
    """Replace the files of the partitions by new ones with the same rows.

    Delta plans the reading in the transaction that replaces the files, so both see one version.
    """
    write_int64_times(spark)
    condition = " OR ".join(f"({_condition(partition)})" for partition in partitions)
    table.require(spark)
    (
        # Not `table.read`, which adds the column that tables of earlier versions lack.
        spark.read.format("delta")
        .load(table.path)
        .where(condition)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", condition)
        .option("dataChange", "false")
        .option("userMetadata", _NOTE)
        .save(table.path)
    )


def _condition(partition: Partition) -> str:
    """`event_name = 'a:b' AND event_date = '2026-01-31'`"""
    return " AND ".join(
        f"{column} IS NULL" if value is None else f"{column} = {_literal(value)}"
        for column, value in partition
    )


def _literal(text: str) -> str:
    """`it's` -> `'it\\'s'`"""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
