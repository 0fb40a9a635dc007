"""Write accepted events into the table: each identity once, one commit for each batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.lake import Table
from jobs.sinks.log import pinned
from jobs.sinks.small import small
from transforms.columns import CREATED_AT, EVENT_DATE, EVENT_NAME, IDENTITY, IS_LATE

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
    same_time = stored.join(identities.select(CREATED_AT), on=CREATED_AT, how="left_semi")
    partitions = same_time.select(EVENT_NAME, EVENT_DATE).distinct().collect()
    if not partitions:
        return None
    nearby = stored.where(_in(partitions)).select(*IDENTITY)
    return nearby.join(identities, on=list(IDENTITY), how="left_semi")


def _in(partitions: Iterable[Row]) -> Column:
    """A literal predicate that only these partitions, or few others, satisfy."""
    names: dict[date, set[str]] = defaultdict(set)
    for each in partitions:
        names[each[EVENT_DATE]].add(each[EVENT_NAME])
    if len(names) > _MOST_RANGES:
        all_names = set().union(*names.values())
        return F.col(EVENT_DATE).isin([*names]) & F.col(EVENT_NAME).isin(all_names)
    days = ((F.col(EVENT_DATE) == day) & F.col(EVENT_NAME).isin(of) for day, of in names.items())
    return reduce(or_, days)


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
