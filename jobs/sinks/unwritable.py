"""Find the partitions of events that cannot be written, when an append has failed twice.

One bad partition makes the append of a whole batch fail, and Spark's error names neither the
partition nor its records. So each partition of the batch is tried by itself: its folder in the
table, then its rows in a scratch folder beside the table's files, which is deleted again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.errors import EventLakeError, LakeError
from jobs.lake import Table
from jobs.runtime import HadoopDirectory, translate_spark_error
from jobs.sinks.batch import Batch
from transforms.columns import DETAIL, EVENT_DATE, EVENT_NAME, REASONS
from transforms.compose import Transform
from transforms.deduplication import is_accepted
from transforms.unpacking import position_text

REASON = "unwritable"

_WRITE_FAILED = ("TASK_WRITE_FAILED", "Task failed while writing rows", "Job aborted")
_NAMED_RECORDS = 5


@dataclass(frozen=True)
class Partition:
    """A partition of a batch, its folder below the table, and why it cannot be written."""

    event_name: str
    event_date: str
    cause: str

    @property
    def condition(self) -> Column:
        """True for the rows of the partition."""
        same_date = F.col(EVENT_DATE).cast("string") == self.event_date
        return (F.col(EVENT_NAME) == self.event_name) & same_date

    def __str__(self) -> str:
        return f"{EVENT_NAME}={self.event_name!r} {EVENT_DATE}={self.event_date} ({self.cause})"


def append_or_set_aside(
    batch: Batch,
    append_events: Callable[[Batch], None],
    events: Table,
    as_events: Transform,
    *,
    sets_aside: bool,
) -> Batch:
    """Append the events of a batch. If they cannot be written twice, find the partitions at fault.

    With `sets_aside`, the events of these partitions are rejected, and the others are appended. The
    result has the rows as they are then.

    Raises:
        LakeError: partitions cannot be written, and `sets_aside` is false.
    """
    failed = append_twice(partial(append_events, batch))
    if failed is None:
        return batch
    partitions = _unwritable_partitions(batch.rows, events, as_events)
    if not partitions:
        raise failed
    if not sets_aside:
        raise _unwritable_error(batch, partitions, events) from failed
    rest = _set_aside(batch, partitions)
    if rest.summary.accepted:
        append_events(rest)
    return rest


def append_twice(append: Callable[[], None]) -> Exception | None:
    """Append, and once more if the rows could not be written. Return the error of the second time.

    Any other error is raised at once: a fence, a conflict, a missing bucket.
    """
    failed: Exception | None = None
    for _ in range(2):
        try:
            append()
        except (PySparkException, Py4JJavaError) as error:
            if not any(sign in str(error) for sign in _WRITE_FAILED):
                raise
            failed = error
        else:
            return None
    return failed


def _unwritable_partitions(rows: DataFrame, events: Table, as_events: Transform) -> list[Partition]:
    """The partitions of the accepted `rows` that cannot be written."""
    accepted = rows.where(is_accepted())
    key = (EVENT_NAME, F.col(EVENT_DATE).cast("string"))
    partitions = [
        Partition(row[0], row[1], "") for row in accepted.select(*key).distinct().collect()
    ]

    def folder_fault(each: Partition) -> str:
        return _folder_fault(accepted, each, events)

    def rows_fault(each: Partition) -> str:
        return _rows_fault(accepted.where(each.condition).transform(as_events), events)

    return _at_fault(partitions, folder_fault) or _at_fault(partitions, rows_fault)


def _at_fault(partitions: list[Partition], fault: Callable[[Partition], str]) -> list[Partition]:
    causes = ((each, fault(each)) for each in partitions)
    return [replace(each, cause=cause) for each, cause in causes if cause]


def _set_aside(batch: Batch, partitions: list[Partition]) -> Batch:
    """Reject the events of `partitions`, with the cause in `detail`."""
    rows = batch.rows
    for each in partitions:
        is_bad = is_accepted() & each.condition
        rows = rows.withColumns(
            {
                DETAIL: F.when(is_bad, F.lit(f"cannot be written: {each.cause}")).otherwise(
                    F.col(DETAIL)
                ),
                REASONS: F.when(is_bad, F.array(F.lit(REASON))).otherwise(F.col(REASONS)),
            }
        )
    return batch.with_rows(rows)


def _unwritable_error(batch: Batch, partitions: list[Partition], events: Table) -> LakeError:
    """The error that names the partitions and their first records."""
    is_bad = F.lit(False)
    for each in partitions:
        is_bad |= each.condition
    bad = batch.rows.where(is_accepted() & is_bad)
    position = position_text().alias("position")
    records = [row[0] for row in bad.select(position).orderBy("position").take(_NAMED_RECORDS)]
    return LakeError(
        f"batch {batch.number}: {events.path} cannot be written in "
        f"{', '.join(map(str, partitions))}; {bad.count():,} records, the first at "
        f"{', '.join(records)}. Correct the cause, or quarantine them: "
        "--set process.set_aside_unwritable=true"
    )


def _folder_fault(rows: DataFrame, partition: Partition, events: Table) -> str:
    """Why the folder of a partition cannot be created or written; empty if it can."""
    folder = HadoopDirectory(rows.sparkSession, f"{events.path}/{_folder(rows, partition)}")
    name = f"_probe_{uuid4().hex}"
    try:
        folder.write(name, "")
        folder.delete(name)
    except (LakeError, Py4JJavaError) as error:
        return _cause(error)
    return ""


def _folder(rows: DataFrame, partition: Partition) -> str:
    """The folder that Spark writes the partition to, below the table."""
    jvm = rows.sparkSession._jvm
    assert jvm is not None
    escape = jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.escapePathName
    values = ((EVENT_NAME, partition.event_name), (EVENT_DATE, partition.event_date))
    return "/".join(f"{column}={escape(value)}" for column, value in values)


def _rows_fault(events_of_partition: DataFrame, events: Table) -> str:
    """Why the rows of a partition cannot be written to any folder; empty if they can."""
    scratch = f"_probe_{uuid4().hex}"
    try:
        events_of_partition.write.partitionBy(EVENT_NAME, EVENT_DATE).parquet(
            f"{events.path}/{scratch}"
        )
    except (PySparkException, Py4JJavaError) as error:
        return _cause(error)
    finally:
        HadoopDirectory(events_of_partition.sparkSession, events.path).delete_tree(scratch)
    return ""


def _cause(error: Exception) -> str:
    if isinstance(error, EventLakeError):
        return str(error)
    return str(translate_spark_error(error, "", otherwise=LakeError))
