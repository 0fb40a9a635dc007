"""Which runs of a checkpoint of `ingest` have written raw, and up to which batch.

Spark replays a batch that it has planned and not noted as done, and raw may have it already. Each
run has a name, which its checkpoint knows before it writes anything, and which stands in each of
its commits: so raw's newest commits tell what it has, and of whose batches.
"""

from itertools import dropwhile
from uuid import uuid4

from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.errors import LakeError
from jobs.lake.fencing import Claim, marks
from jobs.lake.tables import Table
from jobs.runtime.filesystem import Folder


class Writers:
    """The runs that one checkpoint knows."""

    def __init__(self, spark: SparkSession, checkpoint: Checkpoint, raw: Table, query: str) -> None:
        self._spark, self._checkpoint, self._raw, self._query = spark, checkpoint, raw, query
        self._folder = Folder(spark, f"{checkpoint.path}/runs")

    def claim(self) -> tuple[Claim, int]:
        """Claim raw for a new run; answers also the last batch of the checkpoint that raw has.

        Raises:
            LakeError: raw has batches that the checkpoint does not know, or lacks some that it
                takes for done; or another run has taken over meanwhile.
        """
        self._written()  # a checkpoint that is refused takes nothing over
        earlier = [name for name in self._folder.names() if name.isalnum()]
        writer = uuid4().hex
        self._folder.write(writer, "")
        claim = Claim(self._spark, (self._raw,), self._query, writer)
        # No run before this one can write any more, so what is found now stays true.
        written = self._written(own=writer)
        self._folder.write(writer, str(written))
        for name in earlier:
            self._folder.delete(name)
        return claim, written

    def _written(self, own: str = "") -> int:
        """The last batch of the checkpoint that raw has, -1 for none, leaving this run aside."""
        if self._checkpoint.is_new():
            return -1
        # A driver that this run is about to take over may go on up to the claim.
        done = self._checkpoint.last_done()
        written = self._told_by_raw(own)
        planned = self._checkpoint.last_batch()
        if written > planned:
            raise self._refused(
                f"its last batch is {planned}, but the table has batch {written}: it was restored "
                "from a copy"
            )
        if written < done:
            raise self._refused(
                f"it has done batch {done}, but the table has none behind {written}: the table was "
                "restored from a copy"
            )
        return written

    def _told_by_raw(self, own: str) -> int:
        left = marks(self._spark, self._raw, self._query)
        for mark in dropwhile(lambda mark: mark.writer == own, left):
            noted = self._folder.read(mark.writer)
            if mark.reached.batch >= 0:
                if noted is None:
                    raise self._refused(
                        f"run {mark.reached.run}, which it does not know, has written the table"
                    )
                return mark.reached.batch
            if noted:
                return int(noted)
            # That run wrote nothing, and did not come to note what it found: one before it tells.
        raise self._refused("the table's log does not tell what it has of it")

    def _refused(self, why: str) -> LakeError:
        return LakeError(
            f"{self._checkpoint.path} does not tell how far {self._raw.path} has come, as {why}. "
            "Move the folder away, and the run goes on behind the last records that the table has"
        )
