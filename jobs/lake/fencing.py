"""One driver at a time: each run notes itself in the tables' logs, and the one before it gives way.

A driver that was thought dead may go on (a pause, a partition of the network), and a checkpoint may
be copied. Spark and Delta see only conflicts over the same batch of the same checkpoint. So all
commits of all runs of a query go by one application, whose version grows by run and batch. Delta
reads that version when an append begins: where a later run had noted itself by then, the append is
skipped, which is found out behind it; where it did so only before the append's commit, that fails.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from jobs.errors import LakeError
from jobs.lake.tables import Table
from jobs.sinks.stored_duplicates import Transaction, append
from jobs.lake.delta_log import last_batch, noted_in, notes, version

# Versions that a run has: one for its claim, one for each batch.
_VERSIONS = 2**32


@dataclass(frozen=True, order=True)
class Progress:
    """A run, and the last of its batches that wrote to a table: -1 before its first, or before
    the first run."""

    run: int = -1
    batch: int = -1

    @property
    def version(self) -> int:
        """As the version of a transaction."""
        return self.run * _VERSIONS + self.batch + 1

    @staticmethod
    def of(version: int) -> "Progress":
        """The progress that `version` is of."""
        run, batch = divmod(version, _VERSIONS)
        return Progress(run, batch - 1)


@dataclass(frozen=True)
class Mark:
    """What a commit tells of the run that made it."""

    reached: Progress
    writer: str

    def note(self, application: str) -> str:
        """As the commit's `userMetadata`."""
        batch = f"batch {self.reached.batch}" if self.reached.batch >= 0 else "begins"
        return f"{application} run {self.reached.run} {batch} by {self.writer}"

    @staticmethod
    def of(note: str, application: str) -> "Mark | None":
        """The mark that stands in a commit's note, if it is one of the application's."""
        found = re.fullmatch(rf"{application} run (\d+) (?:begins|batch (\d+)) by (\w+)", note)
        if found is None:
            return None
        run, batch, writer = found.groups()
        return Mark(Progress(int(run), int(batch or -1)), writer)


class Claim:
    """The claim of this run on tables, and its way to append to them."""

    def __init__(
        self, spark: SparkSession, tables: Sequence[Table], query: str, writer: str = ""
    ) -> None:
        """Take the tables over. Of two runs of `query` that do so at the same moment, one fails.

        Args:
            writer: what no other run is called; each commit of this one names it.

        Attributes:
            before: how far the run before this one has come, at most.
            run: the number of this run.

        Raises:
            LakeError: when there is no table, or another run was faster.
        """
        self._spark, self._tables, self._query = spark, tables, query
        self._writer = writer or uuid4().hex
        seen = [(progress(spark, table, query), version(spark, table)) for table in tables]
        self.before = max(before for before, _ in seen)
        self.run = self.before.run + 1
        claimed = [self._take_over(table) for table in tables]
        if claimed != [newest + 1 for _, newest in seen]:
            # What came in between may have been a batch of the run before, whichever.
            self.before = Progress(self.before.run, _VERSIONS - 2)

    def require(self) -> None:
        """Raise LakeError where a later run has taken the tables over."""
        first = self._tables[0]  # where every run begins
        newest = progress(self._spark, first, self._query)
        if newest.run != self.run:
            raise self._taken_over(first, newest)

    def append(self, rows: DataFrame, table: Table, batch: int) -> None:
        """Append `rows` to `table` in the one commit that `batch` has there.

        Raises:
            LakeError: a later run has taken the table over, and the rows may not be in it.
        """
        self._commit(rows, table, Progress(self.run, batch))

    def _take_over(self, table: Table) -> int:
        """Answers the number of the commit that does."""
        # Where another run has just claimed the same number, Delta takes this claim for that one.
        return self._commit(table.read(self._spark).limit(0), table, Progress(self.run))

    def _commit(self, rows: DataFrame, table: Table, reached: Progress) -> int:
        """Append, unless Delta finds that a later run, or one like this, has come first."""
        application = _application(self._query)
        note = Mark(reached, self._writer).note(application)
        before = version(self._spark, table)
        append(rows, table, Transaction(application, reached.version, note))
        number = noted_in(self._spark, table, note, before)
        if number is None:
            raise self._taken_over(table, progress(self._spark, table, self._query))
        return number

    def _taken_over(self, table: Table, newest: Progress) -> LakeError:
        return LakeError(
            f"another run has taken over {table.path} (it is run {newest.run}, this one is "
            f"run {self.run}): only one driver at a time may write a lake; start this one "
            "again if the other one was the mistake"
        )


def progress(spark: SparkSession, table: Table, query: str) -> Progress:
    """How far the newest run of `query` has come in the table."""
    table.read(spark)  # reads the log anew
    noted = last_batch(spark, table, _application(query))
    return Progress() if noted is None else Progress.of(noted)


def marks(spark: SparkSession, table: Table, query: str) -> Iterator[Mark]:
    """What the runs of `query` have left in the table's commits, the newest first.

    They end where the log has been cleaned, and where there is no earlier one.
    """
    if progress(spark, table, query) == Progress():
        return
    application = _application(query)
    for _, note in notes(spark, table):
        mark = Mark.of(note, application)
        if mark is not None:
            yield mark


def _application(query: str) -> str:
    return f"event-lake/{query}"
