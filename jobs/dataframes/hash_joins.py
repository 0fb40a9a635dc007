"""Which rows of a large table are wanted: by their hashes first, which every executor gets."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Up to here, hashes are sent to every executor, and the table that is searched is not shuffled. One
# record in twenty is a twin: the hashes of 40 million records. Those of 100 million do not fit a
# driver of 2.6 GB.
_BROADCAST_HASHES = 2_000_000


def held(rows: DataFrame, table: DataFrame, key: Sequence[str]) -> DataFrame:
    """Those of `rows` whose `key` the table has. Nulls are equal to nothing."""
    return rows.join(sought(table.select(*key), rows, key), on=list(key), how="left_semi")


def sought(table: DataFrame, rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows of `table` with the `key` of one of `rows`, and a few whose hash is the same."""
    key_hash = F.xxhash64(*key)
    return among(table, key_hash, rows.select(key_hash.alias("key_hash")))


def among(rows: DataFrame, row_hash: Column, hashes: DataFrame) -> DataFrame:
    """Those of `rows` whose hash is among `hashes`, which have one column.

    Where there are no hashes, `rows` are not read.
    """
    count = hashes.count()
    if not count:
        return rows.limit(0)
    [name] = hashes.columns
    wanted = F.broadcast(hashes) if count <= _BROADCAST_HASHES else hashes
    return rows.join(wanted, on=row_hash == wanted[name], how="left_semi")


@contextmanager
def kept(rows: DataFrame) -> Iterator[DataFrame]:
    """Compute `rows` once, for all that is asked about them within."""
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        yield rows
    finally:
        rows.unpersist()
