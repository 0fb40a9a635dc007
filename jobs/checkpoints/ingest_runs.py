"""Which runs of a checkpoint of `ingest` have written raw, and up to which batch.

Spark replays a batch that it planned but did not commit, and raw may contain it already. Each run
has a unique writer name. The checkpoint records the name before the run writes anything, and each
commit of the run records it too. So the newest commits of raw show which batches it contains, and
whose they are.
"""

from itertools import dropwhile
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.config import Query
from jobs.errors import CheckpointError
from jobs.lake import NO_LEASE, AnyLease, Table, WriterFence, commit_marks


class IngestRuns:
    """The runs that one checkpoint of `ingest` records."""

    def __init__(
        self, spark: SparkSession, checkpoint: Checkpoint, raw: Table, lease: AnyLease = NO_LEASE
    ) -> None:
        self._spark, self._checkpoint, self._raw, self._lease = spark, checkpoint, raw, lease

    def fence(self) -> tuple[WriterFence, int]:
        """Fence raw for a new run. Return the last batch of the checkpoint that raw contains, too.

        Raises:
            CheckpointError: raw has batches that the checkpoint does not record, or lacks batches
                that it has committed.
            FencedError: another run was faster.
        """
        self._last_written()  # a checkpoint that is rejected must not fence a running driver
        runs = self._checkpoint.runs
        earlier = [name for name in runs.names() if name.isalnum()]
        writer = uuid4().hex
        runs.write(writer, "")
        fence = WriterFence(self._spark, (self._raw,), Query.INGEST, writer, self._lease)
        # No earlier run can write any more, so this result stays true.
        last_written = self._last_written(own=writer)
        runs.write(writer, str(last_written))
        for name in earlier:
            runs.delete(name)
        return fence, last_written

    def _last_written(self, own: str = "") -> int:
        """The last batch of the checkpoint that raw contains, or -1; this run's marks aside."""
        if self._checkpoint.is_new():
            return -1
        # Read first: a driver that this run is about to fence may continue until then.
        committed = self._checkpoint.last_committed_batch()
        written = self._last_batch_in_raw(own)
        planned = self._checkpoint.last_planned_batch()
        if written > planned:
            raise self._rejected(
                f"the table has batch {written}, but the last batch of the checkpoint is "
                f"{planned}: the checkpoint was restored from a copy"
            )
        if written < committed:
            raise self._rejected(
                f"the table has no batch after {written}, but the checkpoint has committed batch "
                f"{committed}: the table was restored from a copy"
            )
        return written

    def _last_batch_in_raw(self, own: str) -> int:
        marks = commit_marks(self._spark, self._raw, Query.INGEST)
        for mark in dropwhile(lambda mark: mark.writer == own, marks):
            recorded = self._checkpoint.runs.read(mark.writer)
            if mark.progress.batch >= 0:
                if recorded is None:
                    raise self._rejected(
                        f"run {mark.progress.run}, which the checkpoint does not record, has "
                        "written the table"
                    )
                return mark.progress.batch
            if recorded:
                return int(recorded)
            # That run wrote nothing and recorded nothing. An earlier one decides.
        raise self._rejected("the log of the table does not reach back far enough")

    def _rejected(self, cause: str) -> CheckpointError:
        return CheckpointError(
            f"the checkpoint {self._checkpoint.path} does not match {self._raw.path}: {cause}. "
            "Move the folder away; the next run continues after the last records in the table"
        )
