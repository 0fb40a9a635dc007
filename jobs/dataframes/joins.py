"""Joins between a few rows and a table that is much larger."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Up to this number the rows are sent to every executor, and the table is not shuffled.
_BROADCAST_ROWS = 500_000
# The same for hashes. One record in twenty is a duplicate: these are the hashes of 40 million
# records. Those of 100 million do not fit into a driver of 2.6 GB.
_BROADCAST_HASHES = 2_000_000


def broadcast_if_small(rows: DataFrame, count: int) -> DataFrame:
    """`rows` with a broadcast hint if `count`, their number, is small enough."""
    return F.broadcast(rows) if count <= _BROADCAST_ROWS else rows


def semi_join_on_hash(rows: DataFrame, table: DataFrame, key: Sequence[str]) -> DataFrame:
    """The `rows` whose `key` is in `table`, which is much larger. A null equals nothing."""
    candidates = candidates_by_hash(table.select(*key), rows, key)
    return rows.join(candidates, on=list(key), how="left_semi")


def candidates_by_hash(table: DataFrame, rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The rows of `table` whose `key` is in `rows`, and the few whose hash is equal by chance."""
    key_hash = F.xxhash64(*key)
    return only_hashes(table, key_hash, rows.select(key_hash.alias("key_hash")))


def only_hashes(rows: DataFrame, row_hash: Column, hashes: DataFrame) -> DataFrame:
    """The `rows` whose `row_hash` is in `hashes`, a frame of one column.

    If there are no hashes, `rows` are not read.
    """
    count = hashes.count()
    if not count:
        return rows.limit(0)
    [name] = hashes.columns
    sent = F.broadcast(hashes) if count <= _BROADCAST_HASHES else hashes
    return rows.join(sent, on=row_hash == sent[name], how="left_semi")
