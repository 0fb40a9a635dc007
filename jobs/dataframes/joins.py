"""Joins of a batch with a table that is much larger."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# Up to here the rows are sent to every executor, and the table is not shuffled.
_BROADCAST_ROWS = 500_000


def small(wanted: DataFrame, rows: int) -> DataFrame:
    """Send `wanted`, which has so many rows, to every executor, if they fit."""
    return F.broadcast(wanted) if rows <= _BROADCAST_ROWS else wanted
