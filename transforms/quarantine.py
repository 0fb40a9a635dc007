"""Which rows of quarantine a replay looks at."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transforms.columns import ATTEMPT, EVENT_NAME, INGEST_DATE, POSITION, REASONS
from transforms.compose import Transform
from transforms.errors import require

# The place of a record in the stream, whichever attempt it is
RECORD = POSITION[:-1]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows of quarantine; what is empty or None leaves all in.

    reasons:     codes, of which a row has at least one
    names:       event names, as far as they could be read
    first, last: the ingest dates, both included
    """

    reasons: Collection[str] = ()
    names: Collection[str] = ()
    first: date | None = None
    last: date | None = None

    def by_date(self) -> "Choice":
        """The same dates, with all reasons and names."""
        return Choice(first=self.first, last=self.last)


def only_chosen(choice: Choice) -> Transform:
    """Keep the rows that `choice` names.

    Columns in:   reasons: array<string>; event_name: string; ingest_date: date
    Rows:         those that fit all of the choice

    Raises:
        MissingColumnsError: when applied, if the frame lacks one of the columns.
    """
    is_chosen = F.lit(True)
    if choice.reasons:
        wanted = F.array(*(F.lit(reason) for reason in sorted(choice.reasons)))
        is_chosen &= F.arrays_overlap(REASONS, wanted)
    if choice.names:
        is_chosen &= F.col(EVENT_NAME).isin(sorted(choice.names))
    if choice.first:
        is_chosen &= F.col(INGEST_DATE) >= F.lit(choice.first)
    if choice.last:
        is_chosen &= F.col(INGEST_DATE) <= F.lit(choice.last)

    def apply(rejected: DataFrame) -> DataFrame:
        require(rejected, REASONS, EVENT_NAME, INGEST_DATE, owner="only_chosen")
        return rejected.where(is_chosen)

    return apply


def without_replayed(raw: DataFrame, quarantine: DataFrame) -> Transform:
    """Leave out the rows of which there is a later attempt.

    Columns in:   the position; the same in `raw` and `quarantine`
    Columns out:  the same
    Rows:         the newest attempt of each record, once

    Raises:
        MissingColumnsError: at once, if raw or quarantine lacks a column of the position; when
            applied, if the frame does.
    """
    for place in (raw, quarantine):
        require(place, *POSITION, owner="without_replayed(raw, quarantine)")
    attempts = raw.select(*POSITION).unionAll(quarantine.select(*POSITION))
    replayed = attempts.where(F.col(ATTEMPT) > 0).groupBy(*RECORD)
    newest = replayed.agg(F.max(ATTEMPT).alias("newest_attempt"))
    is_newest = F.col(ATTEMPT) >= F.coalesce("newest_attempt", F.lit(0))

    def apply(rejected: DataFrame) -> DataFrame:
        require(rejected, *POSITION, owner="without_replayed")
        joined = rejected.join(newest, on=list(RECORD), how="left").where(is_newest)
        return joined.drop("newest_attempt").dropDuplicates(list(POSITION))

    return apply
