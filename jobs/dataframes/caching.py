"""Keep the rows of a batch for as long as they are written."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """`rows` as they are when they are first asked for; never computed once more.

    Which of several twins the state lets through follows from the order in which executors send
    them, and twins may differ in all but their identity. If rows that are lost with an executor
    were computed anew, one twin could be written beside the other that was let through before, or
    none of the two. Here what is lost ends the batch, and the next start replays all of it.
    """
    # As bytes: a million rows as objects would fill the heap.
    first = rows.localCheckpoint(eager=False, storageLevel=StorageLevel.MEMORY_AND_DISK)
    try:
        yield first
    finally:
        first._jdf.queryExecution().logical().rdd().unpersist(False)
