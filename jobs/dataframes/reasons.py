"""Count rejected rows by reason."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import REASONS


def count_reasons(rows: DataFrame) -> dict[str, int]:
    """The number of `rows` for each reason. A row counts under each of its reasons.

    Columns in:   reasons: array<string>
    """
    by_reason = rows.select(F.explode(REASONS).alias("reason")).groupBy("reason").count()
    return {row["reason"]: row["count"] for row in by_reason.collect()}
