"""Twins within one batch, of which the state says nothing because they were replayed."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.dataframes.joins import small
from transforms.columns import ATTEMPT, IDENTITY, POSITION
from transforms.deduplication import is_accepted, is_replayed


def twins_of_replayed(outcomes: DataFrame, rows: int) -> DataFrame:
    """The positions of all but one of those events that share the identity of a replayed one.

    The newest attempt stays. If the cap on names refuses it, it is the one that can be replayed
    again, whatever the others were.

    Columns in:   event_uuid, created_at; reasons; is_late; the position
    Columns out:  the position
    Rows:         one for each event too many

    Args:
        rows: how many of the outcomes were replayed.
    """
    identities = small(outcomes.where(is_replayed()).select(*IDENTITY), rows)
    shared = outcomes.where(is_accepted()).select(*IDENTITY, *POSITION)
    newest_first = Window.partitionBy(*IDENTITY).orderBy(F.desc(ATTEMPT), *POSITION)
    return (
        shared.join(identities, on=list(IDENTITY), how="left_semi")
        .withColumn("nth", F.row_number().over(newest_first))
        .where(F.col("nth") > 1)
        .select(*POSITION)
    )
