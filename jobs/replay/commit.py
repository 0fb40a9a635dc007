"""Append replayed records to raw in one commit, or not at all.

No record is appended twice. The next attempt of a record is appended only if raw has no later one,
and the commit succeeds only if no other replay committed after raw was read.

- A replay that is killed before its commit leaves files that no version of the table refers to. A
  replay that is killed after its commit has appended everything. Repeated, it finds one or the
  other, and never a part.
- Two concurrent replays take the same transaction number before they read raw. Delta makes one
  commit of each number. The other replay gets a conflict, or its write is skipped, and it raises an
  error.
- The number belongs to an application of its own in raw's log, so it affects neither `ingest` nor
  the position where `ingest` resumes.
"""

from datetime import UTC, datetime

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import LakeError
from jobs.lake import Table, Transaction, append, last_transaction_version
from transforms.columns import ATTEMPT, INGEST_DATE, INGESTED_AT

_APPLICATION = "event-lake/replay"
_ROWS_PER_FILE = 250_000


class Commit:
    """A commit to raw that is still to be made. Create it before raw is read."""

    def __init__(self, spark: SparkSession, raw: Table) -> None:
        """Take the next transaction number.

        Raises:
            LakeError: there is no table.
        """
        raw.read(spark)  # refreshes the snapshot of the log
        last = last_transaction_version(spark, raw, _APPLICATION)
        self._spark, self._raw = spark, raw
        self._transaction = Transaction(_APPLICATION, 0 if last is None else last + 1)
        self.ingested_at = datetime.now(UTC)

    def append(self, records: DataFrame, rows: int) -> int:
        """Append `records` to raw, and return the number of rows that raw has of this commit.

        Columns in:   RAW_SCHEMA; ingested_at is that of this commit

        Args:
            rows: the number of `records`, which decides the number of files.

        Raises:
            LakeError: another replay committed since this object was created.
        """
        files = 1 + rows // _ROWS_PER_FILE
        try:
            append(records.coalesce(files), self._raw, self._transaction)
        except (PySparkException, Py4JJavaError) as error:
            if "ConcurrentTransactionException" not in str(error):
                raise
            raise self._conflict() from error
        # Delta skips a commit whose number it has seen, without an error. So the rows are counted.
        appended = self._count_appended()
        if not appended:
            raise self._conflict()
        return appended

    def _count_appended(self) -> int:
        is_ours = (
            (F.col(INGEST_DATE) == F.lit(self.ingested_at.date()))
            & (F.col(INGESTED_AT) == F.lit(self.ingested_at))
            & (F.col(ATTEMPT) > 0)
        )
        return self._raw.read(self._spark).where(is_ours).count()

    def _conflict(self) -> LakeError:
        return LakeError(
            f"another replay has appended to {self._raw.path} since this one started: this one "
            "appended nothing. Run it again; it replays what is left"
        )
