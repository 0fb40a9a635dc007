"""The sink of `ingest`: appends each batch to raw once, in one commit."""

from pyspark.sql import DataFrame

from jobs.errors import CheckpointError
from jobs.lake import Table, WriterFence


class RawSink:
    """What `foreachBatch` calls, on the driver, with each batch of raw rows."""

    def __init__(self, fence: WriterFence, raw: Table, last_written: int) -> None:
        """`last_written` is the last batch of this checkpoint that raw contains."""
        self._fence = fence
        self._raw = raw
        self._last_written = last_written

    def __call__(self, rows: DataFrame, number: int) -> None:
        """Append the batch, unless an earlier run wrote it and was killed before Spark's commit.

        Raises:
            FencedError: a newer run writes the table.
            CheckpointError: raw lacks a batch before this one.
        """
        if number > self._last_written + 1:
            raise CheckpointError(
                f"{self._raw.path} has no batch between {self._last_written} and {number} of this "
                "checkpoint: the table was restored from a copy. Move the folder `ingest` below "
                "lake.checkpoints away; the next run continues after the last records in raw"
            )
        if number > self._last_written:
            with self._fence.lease.held():
                self._fence.append(rows, self._raw, number)
            self._last_written = number
