"""One driver at a time: a new run fences off the runs before it, by a commit of its own.

A driver that was believed dead may resume (a long pause, a network partition), and a checkpoint may
be copied. Spark and Delta detect conflicts only between writers of the same batch of the same
checkpoint. Therefore all runs of a query commit under one Delta application, and the version of the
application grows with the run and the batch. Delta reads that version when an append begins. If a
newer run has committed before that, Delta skips the append, and the fence reports it. If a newer
run commits during the append, Delta rejects the commit.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from jobs.errors import FencedError
from jobs.lake.append import Transaction, append
from jobs.lake.delta_log import (
    commit_notes,
    commit_with_note,
    last_transaction_version,
    table_version,
)
from jobs.lake.lease import NO_LEASE, AnyLease
from jobs.lake.tables import Table

# Versions of the application that belong to one run: one for the fence, one for each batch.
_VERSIONS_PER_RUN = 2**32


@dataclass(frozen=True, order=True)
class RunProgress:
    """A run, and the last of its batches that wrote to a table.

    `batch` is -1 before the first batch of the run; `run` is -1 before the first run.
    """

    run: int = -1
    batch: int = -1

    @property
    def version(self) -> int:
        """The transaction version of this progress."""
        return self.run * _VERSIONS_PER_RUN + self.batch + 1

    @staticmethod
    def from_version(version: int) -> "RunProgress":
        """The progress that has this transaction version."""
        run, batch = divmod(version, _VERSIONS_PER_RUN)
        return RunProgress(run, batch - 1)


@dataclass(frozen=True)
class CommitMark:
    """What a commit records about the run that made it. `writer` is unique to the run."""

    progress: RunProgress
    writer: str

    def to_note(self, application: str) -> str:
        """The `userMetadata` of the commit."""
        batch = f"batch {self.progress.batch}" if self.progress.batch >= 0 else "begins"
        return f"{application} run {self.progress.run} {batch} by {self.writer}"

    @staticmethod
    def from_note(note: str, application: str) -> "CommitMark | None":
        """The mark in `note`, or None if the application did not write it."""
        found = re.fullmatch(rf"{application} run (\d+) (?:begins|batch (\d+)) by (\w+)", note)
        if found is None:
            return None
        run, batch, writer = found.groups()
        return CommitMark(RunProgress(int(run), int(batch or -1)), writer)


class WriterFence:
    """The right of this run to append to its tables, until a newer run takes it."""

    def __init__(
        self,
        spark: SparkSession,
        tables: Sequence[Table],
        query: str,
        writer: str = "",
        lease: AnyLease = NO_LEASE,
    ) -> None:
        """Fence off all earlier runs of `query`. If two runs do so at once, one of them fails.

        Args:
            writer: a name that no other run has; each commit of this run records it.
            lease: must be held now, and during each `append`.

        Attributes:
            spark: the session that it commits with.
            lease: that of this run.
            previous: an upper bound of the progress of the run before this one.
            run: the number of this run.

        Raises:
            LakeError: a table does not exist, or the lease is not held.
            FencedError: another run was faster.
        """
        self.spark, self.lease = spark, lease
        self._tables, self._query = tables, query
        self._writer = writer or uuid4().hex
        seen = [
            (run_progress(spark, table, query), table_version(spark, table)) for table in tables
        ]
        self.previous = max(progress for progress, _ in seen)
        self.run = self.previous.run + 1
        fenced = [self._fence(table) for table in tables]
        if fenced != [newest + 1 for _, newest in seen]:
            # A commit came in between. It may be any batch of the previous run.
            self.previous = RunProgress(self.previous.run, _VERSIONS_PER_RUN - 2)

    def require(self) -> None:
        """Raise FencedError if a newer run has fenced off this one."""
        first = self._tables[0]  # every run fences this table first
        newest = run_progress(self.spark, first, self._query)
        if newest.run != self.run:
            raise self._fenced(first, newest)

    def append(self, rows: DataFrame, table: Table, batch: int) -> None:
        """Append `rows` to `table` in the only commit that `batch` has there.

        Raises:
            FencedError: a newer run has fenced off this one; the rows may be missing.
            LakeError: the lease is not held.
        """
        self._commit(rows, table, RunProgress(self.run, batch))

    def _fence(self, table: Table) -> int:
        """Commit the fence. Return the table version of that commit."""
        # If another run fences with the same number at once, Delta skips one of the commits.
        return self._commit(table.read(self.spark).limit(0), table, RunProgress(self.run))

    def _commit(self, rows: DataFrame, table: Table, progress: RunProgress) -> int:
        """Append, and verify that Delta did not skip the commit for a newer or equal one."""
        application = _application(self._query)
        note = CommitMark(progress, self._writer).to_note(application)
        before = table_version(self.spark, table)
        self.lease.require()
        append(rows, table, Transaction(application, progress.version, note))
        committed = commit_with_note(self.spark, table, note, after=before)
        if committed is None:
            raise self._fenced(table, run_progress(self.spark, table, self._query))
        return committed

    def _fenced(self, table: Table, newest: RunProgress) -> FencedError:
        return FencedError(
            f"fenced by run {newest.run}: this run ({self.run}) of {self._query} must not write "
            f"{table.path} any more, because only one driver at a time may write a lake. Stop the "
            "other driver before you start this one again"
        )


def run_progress(spark: SparkSession, table: Table, query: str) -> RunProgress:
    """The progress of the newest run of `query` in the table."""
    table.read(spark)  # refreshes the snapshot of the log
    version = last_transaction_version(spark, table, _application(query))
    return RunProgress() if version is None else RunProgress.from_version(version)


def commit_marks(spark: SparkSession, table: Table, query: str) -> Iterator[CommitMark]:
    """The marks that the runs of `query` left in the table's commits, the newest first.

    They end where Delta has cleaned the log.
    """
    if run_progress(spark, table, query) == RunProgress():
        return
    application = _application(query)
    for _, note in commit_notes(spark, table):
        mark = CommitMark.from_note(note, application)
        if mark is not None:
            yield mark


def _application(query: str) -> str:
    return f"event-lake/{query}"
