"""The one commit by which a replay appends to raw, or does nothing.

Why nothing is appended twice: the next attempt is appended only where raw holds no later one, and
the commit that appends it is made only if no other replay has made one since raw was looked at.

- Killed before the commit, a replay leaves files that no version of the table names; killed
  behind it, the records stand in raw. Repeated, it finds the one or the other, never a half.
- Two replays at a time take the same number, before either looks at raw. Delta makes one commit of
  each number: the other one conflicts, or is skipped, and says so.
- Raw's log keeps the number under an application of its own, so neither `ingest` nor the position
  where it goes on has anything to do with it.
"""

from datetime import UTC, datetime

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import LakeError
from jobs.lake.delta_log import last_batch
from jobs.lake.tables import Table
from jobs.sinks.stored_duplicates import Transaction, append
from transforms.columns import ATTEMPT, INGEST_DATE, INGESTED_AT

_APPLICATION = "event-lake/replay"
_ROWS_PER_FILE = 250_000


class Commit:
    """A commit to raw that is still to be made. It must be taken up before raw is read."""

    def __init__(self, spark: SparkSession, raw: Table) -> None:
        """Take the next number.

        Raises:
            LakeError: when there is no table.
        """
        raw.read(spark)  # reads the log anew
        last = last_batch(spark, raw, _APPLICATION)
        self._spark, self._raw = spark, raw
        self._transaction = Transaction(_APPLICATION, 0 if last is None else last + 1)
        self.ingested_at = datetime.now(UTC)

    def append(self, records: DataFrame, rows: int) -> int:
        """Append `records`, which are `rows` of raw with this `ingested_at`; answers how many.

        Raises:
            LakeError: another replay has made its commit since this one was taken up.
        """
        files = 1 + rows // _ROWS_PER_FILE
        try:
            append(records.coalesce(files), self._raw, self._transaction)
        except (PySparkException, Py4JJavaError) as error:
            if "ConcurrentTransactionException" not in str(error):
                raise
            raise self._came_too_late() from error
        # A commit whose number is taken is skipped without a word, so the table is asked.
        appended = self._appended()
        if not appended:
            raise self._came_too_late()
        return appended

    def _appended(self) -> int:
        is_ours = (
            (F.col(INGEST_DATE) == F.lit(self.ingested_at.date()))
            & (F.col(INGESTED_AT) == F.lit(self.ingested_at))
            & (F.col(ATTEMPT) > 0)
        )
        return self._raw.read(self._spark).where(is_ours).count()

    def _came_too_late(self) -> LakeError:
        return LakeError(
            f"another replay has appended to {self._raw.path} in the meantime, so this one has "
            "appended nothing: run it again, and it goes on from there"
        )
