"""The tables as they stood together at one moment, while the stream goes on.

The order in which versions are pinned makes a running stream look complete: first how far
`process` has come, then the tables that it writes, last raw. So whatever `process` has taken is
in the tables that are read, and whatever they hold has its record in the raw that is read.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit.reconciliation import Frames
from jobs.errors import LakeError
from jobs.lake.delta_log import pinned
from jobs.lake.tables import Tables
from jobs.runtime.filesystem import Folder
from transforms.columns import INGEST_DATE, INGESTED_AT


@dataclass(frozen=True)
class Snapshot:
    """What one audit looks at.

    within:   the rows of the ingest dates that are asked for.
    whole:    all rows, of any date; a twin may have been stored at any time.
    taken:    answers all of raw that `process` must have dealt with, or None if that is all of it.
    is_whole: all dates are asked for.
    """

    within: Frames
    whole: Frames
    taken: Callable[[], DataFrame] | None
    is_whole: bool


def pin(
    spark: SparkSession,
    tables: Tables,
    first: date | None,
    last: date | None,
    checkpoint: str | None,
) -> Snapshot:
    """Pin the newest versions of `tables`, cut to the ingest dates from `first` to `last`.

    Args:
        checkpoint: that of `process`; without it, `process` must have taken all of raw.

    Raises:
        LakeError: a table is missing, or the checkpoint cannot be understood.
    """
    progress = None if checkpoint is None else taken_version(spark, checkpoint)
    events, _ = pinned(spark, tables.events)
    quarantine, _ = pinned(spark, tables.quarantine)
    raw, newest = pinned(spark, tables.raw)

    def taken() -> DataFrame:
        if progress is None or progress < 0:
            return raw.limit(0)
        return tables.raw.read(spark, progress)

    by_date = _between(F.col(INGEST_DATE), first, last)
    by_time = _between(F.col(INGESTED_AT), _midnight(first), _midnight(last, days=1), closed=False)
    return Snapshot(
        within=Frames(raw.where(by_date), events.where(by_time), quarantine.where(by_date)),
        whole=Frames(raw, events, quarantine),
        taken=None if progress is None or progress >= newest else taken,
        is_whole=first is None and last is None,
    )


def taken_version(spark: SparkSession, checkpoint: str) -> int:
    """The last version of raw of which `process` has committed every file; -1 if none.

    A Delta source notes the version that it will read next; one of which it has read a part
    counts as not taken. So does all of the snapshot that it begins with, until it has read it.

    Raises:
        LakeError: the checkpoint's notes cannot be understood.
    """
    committed = [int(n) for n in Folder(spark, f"{checkpoint}/commits").names() if n.isdigit()]
    if not committed:
        return -1
    note = Folder(spark, f"{checkpoint}/offsets").read(str(max(committed)))
    try:
        position = json.loads((note or "").splitlines()[2])
        return -1 if position["isStartingVersion"] else int(position["reservoirVersion"]) - 1
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise LakeError(
            f"{checkpoint}/offsets/{max(committed)} does not say how far `process` has come: "
            f"{error!r}"
        ) from None


def _between(column: Column, first: date | None, last: date | None, closed: bool = True) -> Column:
    from_first = F.lit(True) if first is None else column >= F.lit(first)
    if last is None:
        return from_first
    return from_first & (column <= F.lit(last) if closed else column < F.lit(last))


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(), UTC)
