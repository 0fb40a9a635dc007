"""Find the records of a batch that an earlier run has already taken to either table.

Where the rules changed since, they would now go to the other table. A record stays where it is.
"""

from pyspark.sql import DataFrame

from jobs.dataframes.joins import small
from jobs.lake.tables import Tables
from jobs.sinks.stored_duplicates import between_micros
from transforms.columns import INGESTED_AT, MAY_BE_TAKEN, POSITION


def taken_positions(
    outcomes: DataFrame, tables: Tables, rows: int, first: int, last: int
) -> DataFrame:
    """The positions of those rows that `events` or `quarantine` holds.

    Only files whose statistics cover the time of ingestion are read.

    Columns in:   the position; may_be_taken: boolean
    Columns out:  the position
    Rows:         one for each position that is held

    Args:
        rows: how many of the outcomes may be taken.
        first: their earliest `ingested_at`, in microseconds.
        last: their latest `ingested_at`.
    """
    positions = small(outcomes.where(MAY_BE_TAKEN).select(*POSITION), rows)
    then = between_micros(INGESTED_AT, first, last)
    spark = outcomes.sparkSession
    events = tables.events.read(spark).where(then).select(*POSITION)
    quarantine = tables.quarantine.read(spark).where(then).select(*POSITION)
    held = events.unionAll(quarantine)
    return held.join(positions, on=list(POSITION), how="left_semi").distinct()
