"""Write accepted events into the table: each identity once, one commit for each batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from heapq import nlargest
from itertools import pairwise
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.dataframes.joins import small
from jobs.lake.delta_log import pinned
from jobs.lake.tables import Table
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME, IDENTITY, IS_LATE

MOST_RANGES = 8


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


def stored_twins(accepted: DataFrame, events: Table, late: Sequence[LateRange]) -> DataFrame | None:
    """The identities of those late events of a batch that the table already has.

    All twins share `created_at`, so only the dates and files whose statistics cover the late
    rows' times are read; a twin may come under another name, so names do not narrow the search.
    Of those files `created_at` is read first: few events share it by chance, and `event_uuid`,
    four times as long, is read only in the partitions where one does.

    Columns in:   event_uuid: string; created_at: timestamp; is_late: boolean
    Columns out:  event_uuid, created_at
    Rows:         one for each late event that `events` holds; None where no time is shared
    """
    identities = small(accepted.where(IS_LATE).select(*IDENTITY), sum(each.rows for each in late))
    # Both reads must see the same rows: `rebuild` may move one to another partition in between.
    stored, _ = pinned(accepted.sparkSession, events)
    stored = stored.where(_within(late))
    # Spark finds numbers quicker than timestamps.
    micros = F.unix_micros(CREATED_AT)
    times = identities.select(micros.alias("micros"))
    same_time = stored.join(times, on=micros == F.col("micros"), how="left_semi")
    partition = F.concat_ws("/", EVENT_NAME, EVENT_DATE)
    partitions = [row[0] for row in same_time.select(partition).distinct().collect()]
    if not partitions:
        return None
    nearby = same_time.where(partition.isin(partitions)).select(*IDENTITY)
    return nearby.join(identities, on=list(IDENTITY), how="left_semi")


def _within(late: Sequence[LateRange]) -> Column:
    """Literal predicates: dates prune partitions, ranges of created_at prune files."""
    dates = F.col(EVENT_DATE).isin([each.event_date for each in late])
    times = (between_micros(CREATED_AT, first, last) for first, last in few_ranges(late))
    return dates & reduce(or_, times)


def few_ranges(late: Sequence[LateRange]) -> list[tuple[int, int]]:
    """At most `MOST_RANGES` spans of time that hold all of `late`: a row is held against each.

    Dates are put together where the time between their late events is shortest.
    """
    ordered = sorted(late, key=lambda each: each.first)
    gaps = ((after.first - before.last, at) for at, (before, after) in enumerate(pairwise(ordered)))
    cuts = sorted(at + 1 for _, at in nlargest(MOST_RANGES - 1, gaps))
    together = (ordered[start:end] for start, end in pairwise((0, *cuts, len(ordered))))
    return [(dates[0].first, dates[-1].last) for dates in together]


def between_micros(time: str, first: int, last: int) -> Column:
    """A literal range of a timestamp column: files outside of it are not read."""
    return F.col(time).between(*(F.timestamp_micros(F.lit(each)) for each in (first, last)))
