"""One driver at a time: each run notes itself in the tables' logs, and the one before it gives way.

A driver that was thought dead may go on (a pause, a partition of the network), and a checkpoint may
be copied. Spark and Delta see only conflicts over the same batch of the same checkpoint. So all
commits of all runs go by one application, with a version that grows by run and batch. Delta reads
that version when an append begins: where a later run had noted itself by then, the append is
skipped, which is found out behind it; where it did so only before the append's commit, that fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from jobs.errors import LakeError
from jobs.lake import Table
from jobs.sinks.events import Transaction, append
from jobs.sinks.log import last_batch, noted_in, version

_APPLICATION = "event-lake/process"
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


class Claim:
    """The claim of this run on tables, and its way to append to them."""

    def __init__(self, spark: SparkSession, tables: Sequence[Table]) -> None:
        """Take the tables over. Of two runs that do so at the same moment, one fails.

        Attributes:
            before: how far the run before this one has come, at most.
            run: the number of this run.

        Raises:
            LakeError: when there is no table, or another run was faster.
        """
        self._spark, self._tables = spark, tables
        seen = [(progress(spark, table), version(spark, table)) for table in tables]
        self.before = max(before for before, _ in seen)
        self.run = self.before.run + 1
        claimed = [self._take_over(table) for table in tables]
        if claimed != [newest + 1 for _, newest in seen]:
            # What came in between may have been a batch of the run before, whichever.
            self.before = Progress(self.before.run, _VERSIONS - 2)

    def require(self) -> None:
        """Raise LakeError where a later run has taken the tables over."""
        first = self._tables[0]  # where every run begins
        newest = progress(self._spark, first)
        if newest.run != self.run:
            raise self._taken_over(first, newest)

    def append(self, rows: DataFrame, table: Table, batch: int) -> None:
        """Append `rows` to `table` in the one commit that `batch` has there.

        Raises:
            LakeError: a later run has taken the table over, and the rows may not be in it.
        """
        wanted = Progress(self.run, batch)
        note = f"{_APPLICATION} run {self.run} batch {batch}"
        self._commit(rows, table, Transaction(_APPLICATION, wanted.version, note))

    def _take_over(self, table: Table) -> int:
        """Answers the number of the commit that does."""
        note = f"{_APPLICATION} run {self.run} begins {uuid4().hex}"
        nothing = table.read(self._spark).limit(0)
        # Where another run has just claimed the same number, Delta takes this claim for that one.
        begins = Transaction(_APPLICATION, Progress(self.run).version, note)
        return self._commit(nothing, table, begins)

    def _commit(self, rows: DataFrame, table: Table, transaction: Transaction) -> int:
        """Append, unless Delta finds that a later run, or one like this, has come first."""
        before = version(self._spark, table)
        append(rows, table, transaction)
        number = noted_in(self._spark, table, transaction.note, before)
        if number is None:
            raise self._taken_over(table, progress(self._spark, table))
        return number

    def _taken_over(self, table: Table, newest: Progress) -> LakeError:
        return LakeError(
            f"another run has taken over {table.path} (it is run {newest.run}, this one is "
            f"run {self.run}): only one driver at a time may write a lake; start this one "
            "again if the other one was the mistake"
        )


def progress(spark: SparkSession, table: Table) -> Progress:
    """How far the newest run has come in the table."""
    table.read(spark)  # reads the log anew
    return _noted(spark, table)


def _noted(spark: SparkSession, table: Table) -> Progress:
    noted = last_batch(spark, table, _APPLICATION)
    return Progress() if noted is None else Progress.of(noted)
