"""Append rows to a Delta table in one identified commit."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.lake.parquet_times import write_int64_times
from jobs.lake.tables import Table


@dataclass(frozen=True)
class Transaction:
    """The identity of a commit. Delta skips a write whose application and version it has seen.

    application: `txnAppId` of the Delta writer
    version:     `txnVersion`, which grows with each commit of the application
    note:        `userMetadata` of the commit
    """

    application: str
    version: int
    note: str = ""

    def options(self) -> dict[str, str]:
        """The options of a Delta writer."""
        return {
            "txnAppId": self.application,
            "txnVersion": str(self.version),
            "userMetadata": self.note or f"{self.application} batch {self.version}",
        }


def append(rows: DataFrame, table: Table, transaction: Transaction) -> None:
    """Append `rows` to `table` in one commit. Delta skips the commit if it has seen it before."""
    write_int64_times(rows.sparkSession)
    rows.write.format("delta").mode("append").options(**transaction.options()).save(table.path)
