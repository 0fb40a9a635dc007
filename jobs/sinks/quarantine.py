"""Write rejected records into quarantine: each position once."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake import Table
from transforms.columns import INGEST_DATE, IS_LATE, POSITION


def known_positions(rejected: DataFrame, quarantine: Table) -> DataFrame:
    """The positions of those records of a batch that quarantine already has.

    Only records that were ingested before this checkpoint's cover began (`is_late`) can be there.

    Columns in:   the position; ingest_date: date; is_late: boolean
    Columns out:  the position
    Rows:         one for each rejected record that `quarantine` holds
    """
    late = rejected.where(IS_LATE)
    dates = [row[0] for row in late.select(INGEST_DATE).distinct().collect()]
    known = (
        quarantine.read(rejected.sparkSession)
        .where(F.col(INGEST_DATE).isin(dates))
        .select(*POSITION)
    )
    return known.join(late.select(*POSITION), on=list(POSITION), how="left_semi")
