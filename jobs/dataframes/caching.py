"""Keep the rows of a DataFrame for as long as they are read more than once."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import DataFrame


@contextmanager
def materialized(rows: DataFrame) -> Iterator[DataFrame]:
    """Compute `rows` at most once, and never again (a local checkpoint).

    Which of several duplicates the state lets through depends on the order in which executors send
    them, and duplicates may differ in everything but their identity. If rows that were lost with an
    executor were computed again, two duplicates could be written, or none. With a local checkpoint
    a lost block fails the batch instead, and the next start replays all of it.
    """
    # Serialized: a million rows as objects would fill the heap.
    first = rows.localCheckpoint(eager=False, storageLevel=StorageLevel.MEMORY_AND_DISK)
    try:
        yield first
    finally:
        first._jdf.queryExecution().logical().rdd().unpersist(False)


@contextmanager
def persisted(rows: DataFrame) -> Iterator[DataFrame]:
    """Cache `rows`, which must be deterministic: Spark computes lost blocks again."""
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield rows
    finally:
        rows.unpersist()
