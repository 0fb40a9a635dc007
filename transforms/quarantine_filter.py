"""Select the rows of quarantine that are replayed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import ATTEMPT, EVENT_NAME, INGEST_DATE, POSITION, REASONS
from transforms.compose import Transform
from transforms.errors import require

# The position of what a record holds, without its attempt
RECORD = POSITION[:-1]


@dataclass(frozen=True, kw_only=True)
class QuarantineFilter:
    """A filter for rows of quarantine. An empty or absent condition matches every row.

    reasons:     reason codes; a row matches if it has one of them
    names:       event names; a row whose name could not be read matches none
    first, last: ingest dates (UTC), inclusive
    """

    reasons: Collection[str] = ()
    names: Collection[str] = ()
    first: date | None = None
    last: date | None = None

    def by_date(self) -> "QuarantineFilter":
        """The filter with these dates, and without the other conditions."""
        return QuarantineFilter(first=self.first, last=self.last)


def only_matching(conditions: QuarantineFilter) -> Transform:
    """Keep the rows that match all `conditions`.

    Columns in:   reasons: array<string>; event_name: string; ingest_date: date (UTC)
    Columns out:  the same
    Rows:         those that match

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    matches = F.lit(True)
    if conditions.reasons:
        reasons = F.array(*(F.lit(reason) for reason in sorted(conditions.reasons)))
        matches &= F.arrays_overlap(REASONS, reasons)
    if conditions.names:
        matches &= F.col(EVENT_NAME).isin(sorted(conditions.names))
    if conditions.first:
        matches &= F.col(INGEST_DATE) >= F.lit(conditions.first)
    if conditions.last:
        matches &= F.col(INGEST_DATE) <= F.lit(conditions.last)

    def apply(rejected: DataFrame) -> DataFrame:
        require(rejected, REASONS, EVENT_NAME, INGEST_DATE, owner="only_matching")
        return rejected.where(matches)

    return apply


def without_replayed(raw: DataFrame, quarantine: DataFrame) -> Transform:
    """Drop the rows whose record has a later attempt.

    Columns in:   the position; the same in `raw` and `quarantine`
    Columns out:  the same
    Rows:         the newest attempt of each record, once; none if `raw` or `quarantine` has a
                  newer one

    Raises:
        MissingColumnsError: at once, if `raw` or `quarantine` lacks a column of the position;
            when applied, if the frame lacks one.
    """
    for table in (raw, quarantine):
        require(table, *POSITION, owner="without_replayed(raw, quarantine)")
    attempts = raw.select(*POSITION).unionAll(quarantine.select(*POSITION))
    replayed = attempts.where(F.col(ATTEMPT) > 0).groupBy(*RECORD)
    newest = replayed.agg(F.max(ATTEMPT).alias("newest_attempt"))
    is_newest = F.col(ATTEMPT) >= F.coalesce("newest_attempt", F.lit(0))

    def apply(rejected: DataFrame) -> DataFrame:
        require(rejected, *POSITION, owner="without_replayed")
        joined = rejected.join(newest, on=list(RECORD), how="left").where(is_newest)
        return joined.drop("newest_attempt").dropDuplicates(list(POSITION))

    return apply
