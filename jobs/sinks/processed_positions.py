"""Leave out the records that an earlier run has already stored or quarantined.

If the rules changed since then, such a record would now go to the other table. It stays where it
is.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.dataframes import broadcast_if_small
from jobs.lake import Tables
from jobs.sinks.batch import Batch, BatchStep
from jobs.sinks.stored_duplicates import between_micros
from transforms.columns import (
    INGESTED_AT,
    MAY_BE_PROCESSED,
    NEEDS_LOOKUP,
    POSITION,
    RECORD_INDEX,
    RECORD_POSITION,
)
from transforms.deduplication import is_accepted
from transforms.unpacking import WHOLE_RECORD


def without_processed_positions(tables: Tables, in_doubt: int | None = None) -> BatchStep:
    """Leave out the rows with may_be_processed whose position is in `events` or `quarantine`.

    Args:
        in_doubt: the number of the batch that an earlier run planned and may have written in part.
            Every row of it may be processed, and every event of it needs a lookup.
    """

    def step(batch: Batch) -> Batch:
        if batch.number == in_doubt:
            batch = batch.with_rows(_all_in_doubt(batch.rows))
        summary = batch.summary
        if not summary.may_be_processed:
            return batch
        processed = processed_positions(
            batch.rows,
            tables,
            count=summary.may_be_processed,
            first=summary.first_ingested,
            last=summary.last_ingested,
        )
        return batch.without(processed, POSITION)

    return step


def processed_positions(
    rows: DataFrame, tables: Tables, count: int, first: int, last: int
) -> DataFrame:
    """The positions of those `rows` that `events` or `quarantine` contains.

    Only files whose statistics cover the time of ingestion are read. A record that was processed as
    a whole contains all of its events, and the other way round: the format of records may have
    changed since then.

    Columns in:   the position; may_be_processed: boolean
    Columns out:  the position
    Rows:         one for each position that is found

    Args:
        count: the number of rows with may_be_processed.
        first: their earliest `ingested_at`, in microseconds since 1970.
        last: their latest `ingested_at`.
    """
    wanted = rows.where(MAY_BE_PROCESSED).select(*POSITION)
    positions = broadcast_if_small(wanted, count)
    ingested_then = between_micros(INGESTED_AT, first, last)
    spark = rows.sparkSession
    events = tables.events.read(spark).where(ingested_then).select(*POSITION)
    quarantine = tables.quarantine.read(spark).where(ingested_then).select(*POSITION)
    stored = events.unionAll(quarantine).withColumnRenamed(RECORD_INDEX, "stored_index")
    index, stored_index = F.col(RECORD_INDEX), F.col("stored_index")
    is_same = (index == stored_index) | (index == WHOLE_RECORD) | (stored_index == WHOLE_RECORD)
    joined = stored.join(positions, on=list(RECORD_POSITION), how="inner").where(is_same)
    return joined.select(*POSITION).distinct()


def _all_in_doubt(rows: DataFrame) -> DataFrame:
    return rows.withColumns({NEEDS_LOOKUP: is_accepted(), MAY_BE_PROCESSED: F.lit(True)})
