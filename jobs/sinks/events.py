"""Write accepted events into the table: each identity once, one commit for each batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake import Table
from jobs.sinks.small import small
from transforms.columns import CREATED_AT, EVENT_DATE, IDENTITY, IS_LATE

_MOST_RANGES = 100


@dataclass(frozen=True)
class LateRange:
    """The late events of one date in a batch, by their earliest and latest `created_at` in
    microseconds."""

    event_date: date
    first: int
    last: int
    rows: int


@dataclass(frozen=True)
class Transaction:
    """What makes a batch's commit unique: Delta skips a write whose number it has already seen."""

    application: str
    batch: int
    note: str = ""

    def options(self) -> dict[str, str]:
        """As options of a Delta writer."""
        return {
            "txnAppId": self.application,
            "txnVersion": str(self.batch),
            "userMetadata": self.note or f"{self.application} batch {self.batch}",
        }


def append(rows: DataFrame, table: Table, transaction: Transaction) -> None:
    """Append `rows` to `table` in one commit; a batch that is replayed is skipped whole."""
    rows.write.format("delta").mode("append").options(**transaction.options()).save(table.path)


def stored_twins(accepted: DataFrame, events: Table, late: Sequence[LateRange]) -> DataFrame:
    """The identities of those late events of a batch that the table already has.

    All twins share `created_at`, so only the dates and files whose statistics cover the late
    rows' times are read; a twin may come under another name, so names do not narrow the search.

    Columns in:   event_uuid: string; created_at: timestamp; is_late: boolean
    Columns out:  event_uuid, created_at
    Rows:         one for each late event that `events` holds
    """
    rows = sum(each.rows for each in late)
    identities = small(accepted.where(IS_LATE).select(*IDENTITY), rows)
    stored = events.read(accepted.sparkSession).where(_within(late)).select(*IDENTITY)
    return stored.join(identities, on=list(IDENTITY), how="left_semi")


def _within(late: Sequence[LateRange]) -> Column:
    """Literal predicates: dates prune partitions, ranges of created_at prune files."""
    dates = F.col(EVENT_DATE).isin([each.event_date for each in late])
    if len(late) > _MOST_RANGES:
        first, last = min(each.first for each in late), max(each.last for each in late)
        return dates & between_micros(CREATED_AT, first, last)
    times = (between_micros(CREATED_AT, each.first, each.last) for each in late)
    return dates & reduce(or_, times)


def between_micros(time: str, first: int, last: int) -> Column:
    """A literal range of a timestamp column: files outside of it are not read."""
    return F.col(time).between(*(F.timestamp_micros(F.lit(each)) for each in (first, last)))
