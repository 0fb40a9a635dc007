"""Write what the stream brought into raw: each batch once, in one commit."""

from pyspark.sql import DataFrame

from jobs.errors import LakeError
from jobs.lake.fencing import Claim
from jobs.lake.tables import Table


class RawSink:
    """Called by Spark with each batch of `ingest`."""

    def __init__(self, claim: Claim, raw: Table, written: int) -> None:
        """`written` is the last batch that raw has of the query's checkpoint."""
        self._claim = claim
        self._raw = raw
        self._written = written

    def __call__(self, batch: DataFrame, number: int) -> None:
        """Write `batch`, unless it is the one that an earlier run wrote and had no time to note.

        Raises:
            LakeError: another run has taken over; or raw lacks a batch before this one.
        """
        if number > self._written + 1:
            raise LakeError(
                f"{self._raw.path} has no batch between {self._written} and {number} of this "
                "checkpoint, as if it was restored from a copy: move the folder of `ingest` below "
                "lake.checkpoints away, and the run goes on behind the last records that raw has"
            )
        if number > self._written:
            self._claim.append(batch, self._raw, number)
            self._written = number
