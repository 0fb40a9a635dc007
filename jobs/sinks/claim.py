"""One driver at a time: each run notes itself in the table's log, and the one before it gives way.

A driver that was thought dead may go on (a pause, a partition of the network), and a checkpoint may
be copied. Spark and Delta see only conflicts over the same batch of the same checkpoint.
"""

from pyspark.sql import SparkSession

from jobs.errors import LakeError
from jobs.lake import Table
from jobs.sinks.events import Transaction, append
from jobs.sinks.log import last_batch

_APPLICATION = "event-lake/process/runs"


class Claim:
    """The claim of this run on a table."""

    def __init__(self, spark: SparkSession, table: Table) -> None:
        """Take the table over. Of two runs that do so at the same moment, one fails.

        Raises:
            LakeError: when there is no table.
        """
        self._spark, self._table = spark, table
        self._run = newest_run(spark, table) + 1
        nothing = table.read(spark).limit(0)
        append(nothing, table, Transaction(_APPLICATION, self._run))

    def require(self) -> None:
        """Raise LakeError where a later run has taken the table over."""
        newest = newest_run(self._spark, self._table)
        if newest != self._run:
            raise LakeError(
                f"another run has taken over {self._table.path} (it is run {newest}, this one is "
                f"run {self._run}): only one driver at a time may write a lake; start this one "
                "again if the other one was the mistake"
            )


def newest_run(spark: SparkSession, table: Table) -> int:
    """The number of the run that has the table; -1 before the first."""
    table.read(spark)  # reads the log anew
    newest = last_batch(spark, table, _APPLICATION)
    return -1 if newest is None else newest
