"""Leave out duplicates within a batch that passed the state because they were replayed."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.dataframes import broadcast_if_small
from jobs.sinks.batch import Batch
from transforms.columns import ATTEMPT, IDENTITY, POSITION
from transforms.deduplication import is_accepted, is_replayed


def without_replayed_duplicates(batch: Batch) -> Batch:
    """Keep one event for each identity that a replayed event of the batch has."""
    count = batch.summary.replayed
    if not count:
        return batch
    return batch.without(replayed_duplicates(batch.rows, count), POSITION)


def replayed_duplicates(rows: DataFrame, count: int) -> DataFrame:
    """The positions of all but one of the events that share the identity of a replayed one.

    The newest attempt stays. If the cap on event names rejects it, it can be replayed again.

    Columns in:   event_uuid, created_at; reasons; needs_lookup; the position
    Columns out:  the position
    Rows:         one for each event that is left out

    Args:
        count: the number of replayed events among `rows`.
    """
    identities = broadcast_if_small(rows.where(is_replayed()).select(*IDENTITY), count)
    shared = rows.where(is_accepted()).select(*IDENTITY, *POSITION)
    newest_first = Window.partitionBy(*IDENTITY).orderBy(F.desc(ATTEMPT), *POSITION)
    return (
        shared.join(identities, on=list(IDENTITY), how="left_semi")
        .withColumn("nth", F.row_number().over(newest_first))
        .where(F.col("nth") > 1)
        .select(*POSITION)
    )
