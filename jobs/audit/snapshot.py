"""Pin the tables as they were at one moment, while the stream continues.

The order in which the versions are pinned makes a running stream look complete: the progress of
`process` first, then the tables that it writes, raw last. So every record that `process` has
processed has its row in the pinned tables, and every row of them has its record in the pinned raw.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial, reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit.reconciliation import Frames
from jobs.audit.reference_parser import ReferenceParser
from jobs.audit.reference_unpacking import in_parts
from jobs.config import Format
from jobs.errors import CheckpointError
from jobs.lake import Tables, pinned
from jobs.runtime import HadoopDirectory
from transforms.columns import INGEST_DATE, INGESTED_AT, RECORD_INDEX, RECORD_POSITION
from transforms.unpacking import WHOLE_RECORD


@dataclass(frozen=True)
class Snapshot:
    """The rows that one audit reads.

    in_range:      the rows of the ingest dates that are verified
    whole:         the rows of all dates: the event of a duplicate may be stored on any of them
    processed:     returns the records in raw that `process` must have processed; None if these are
                   all records
    has_all_dates: no range of dates was given
    """

    in_range: Frames
    whole: Frames
    processed: Callable[[], DataFrame] | None
    has_all_dates: bool


def pin_tables(
    spark: SparkSession,
    tables: Tables,
    first: date | None,
    last: date | None,
    checkpoint: str | None,
    form: Format,
    parser: ReferenceParser,
) -> Snapshot:
    """Pin the newest versions of `tables`, cut to the ingest dates from `first` to `last`.

    Args:
        checkpoint: the checkpoint of `process`. Without it, `process` must have processed all
            records in raw.
        form: what a record of raw holds.
        parser: reads the events.

    Raises:
        CheckpointError: the checkpoint is damaged.
        LakeError: a table is missing.
    """
    progress = None if checkpoint is None else processed_version(spark, checkpoint)
    events, _ = pinned(spark, tables.events)
    quarantine, _ = pinned(spark, tables.quarantine)
    raw, newest = pinned(spark, tables.raw)

    is_whole = F.col(RECORD_INDEX) == WHOLE_RECORD
    stored = (table.where(is_whole).select(*RECORD_POSITION) for table in (events, quarantine))
    as_wholes = reduce(DataFrame.unionAll, stored)
    divided = partial(in_parts, form=form.record_format, as_wholes=as_wholes)

    def processed() -> DataFrame:
        if progress is None or progress < 0:
            return raw.limit(0)
        return divided(tables.raw.read(spark, progress))

    by_date = _between(F.col(INGEST_DATE), first, last)
    by_time = _between(F.col(INGESTED_AT), _midnight(first), _midnight(last, days=1), closed=False)
    return Snapshot(
        in_range=Frames(
            divided(raw.where(by_date)), events.where(by_time), quarantine.where(by_date), parser
        ),
        whole=Frames(divided(raw), events, quarantine, parser),
        processed=None if progress is None or progress >= newest else processed,
        has_all_dates=first is None and last is None,
    )


def processed_version(spark: SparkSession, checkpoint: str) -> int:
    """The last version of raw of which `process` has committed every file; -1 for none.

    The offset of a Delta source is the version that it reads next. A version that it has read in
    part is not processed. Nor is the snapshot that the source begins with, until it is read whole.

    Raises:
        CheckpointError: the offset of the last committed batch is missing or damaged.
    """
    committed = [
        int(n) for n in HadoopDirectory(spark, f"{checkpoint}/commits").names() if n.isdigit()
    ]
    if not committed:
        return -1
    offset = HadoopDirectory(spark, f"{checkpoint}/offsets").read(str(max(committed)))
    try:
        position = json.loads((offset or "").splitlines()[2])
        return -1 if position["isStartingVersion"] else int(position["reservoirVersion"]) - 1
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{checkpoint}/offsets/{max(committed)} has no offset of a Delta source ({error!r}): "
            "the checkpoint is damaged. Restore it from a copy, or use `audit --drained`, which "
            "needs no checkpoint"
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
