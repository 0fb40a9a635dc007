"""The sink of `process`: its steps, its two commits and its counts."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.errors import ClockError, FencedError
from jobs.lake import Tables, WriterFence, table_version
from jobs.sinks.batch import Batch, BatchStep
from jobs.sinks.event_name_limit import EventNameLimit
from jobs.sinks.processed import BatchCounts, ProcessedSink, split_and_append
from jobs.sinks.processed_positions import without_processed_positions
from jobs.sinks.replayed_duplicates import without_replayed_duplicates
from jobs.sinks.stored_duplicates import without_stored_duplicates
from tests.jobs.sinks.rows import NOON, ROW_SCHEMA, batch_of, numbers, put, row, tables_in

HOUR = timedelta(hours=1)
NOTHING = BatchCounts(batch=7, stored=0, late=0, looked_up=0, late_duplicates=0, quarantined=0)


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path) -> Tables:
    return tables_in(spark, tmp_path)


@pytest.fixture
def fence(spark: SparkSession, tables: Tables) -> WriterFence:
    return WriterFence(spark, (tables.events, tables.quarantine), "process")


def appending(tables: Tables, fence: WriterFence) -> BatchStep:
    """`split_and_append` with the columns of these tables."""

    def columns_of(names: list[str]) -> Callable[[DataFrame], DataFrame]:
        return lambda rows: rows.select(*names)

    events, quarantine = (
        columns_of(table.read(fence.spark).columns) for table in (tables.events, tables.quarantine)
    )
    return split_and_append(tables, fence, events, quarantine)


def all_steps(
    tables: Tables, fence: WriterFence, in_doubt: int | None = None
) -> tuple[BatchStep, ...]:
    return (
        without_processed_positions(tables, in_doubt),
        without_replayed_duplicates,
        EventNameLimit({"a:b"}, limit=2),
        without_stored_duplicates(tables.events),
        appending(tables, fence),
    )


def process(
    fence: WriterFence, steps: tuple[BatchStep, ...], rows: DataFrame, number: int = 7
) -> BatchCounts:
    """Run a batch through the sink. Return the counts that it reported."""
    reports: list[BatchCounts] = []
    ProcessedSink(fence, lambda _: None, steps, reports.append)(rows, number)
    [counts] = reports
    return counts


def test_events_are_committed_before_rejected_rows(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """If the driver dies between the commits, the batch is in doubt, and the next run completes
    it."""
    batch = batch_of(spark, row(1, "a"), row(2, "b", reasons=["x"]), row(3, "c"), number=7)
    assert appending(tables, fence)(batch) is batch
    assert numbers(tables.events.read(spark)) == [1, 3]
    assert numbers(tables.quarantine.read(spark)) == [2]
    times = [
        DeltaTable.forPath(spark, table.path).history(1).collect()[0]
        for table in (tables.events, tables.quarantine)
    ]
    assert times[0]["timestamp"] <= times[1]["timestamp"]
    notes = [each["userMetadata"].partition(" by ")[0] for each in times]
    assert notes == ["event-lake/process run 0 batch 7"] * 2


def test_nothing_is_committed_for_rows_that_a_batch_does_not_have(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """A commit without rows would only make the log longer."""
    step = appending(tables, fence)
    before = [table_version(spark, table) for table in (tables.events, tables.quarantine)]
    step(batch_of(spark, number=0))
    step(batch_of(spark, row(1, "a"), number=1))
    step(batch_of(spark, row(2, "b", reasons=["x"]), number=2))
    after = [table_version(spark, table) for table in (tables.events, tables.quarantine)]
    assert [new - old for old, new in zip(before, after, strict=True)] == [1, 1]


def test_each_partition_of_events_gets_one_file(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """However many partitions the rows of the batch are in."""
    rows = [row(number, f"e{number}", name=f"n:{number % 2}") for number in range(8)]
    batch = Batch.of(0, spark.createDataFrame(rows, ROW_SCHEMA).repartition(8))
    appending(tables, fence)(batch)
    assert len(tables.events.read(spark).inputFiles()) == 2


def test_a_batch_goes_through_all_steps_and_every_row_is_counted(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """Each row is stored, quarantined or left out, and each count has its rows."""
    stored = [row(1, "stored"), row(2, "processed")]
    put(tables.events, spark.createDataFrame(stored, ROW_SCHEMA))
    rows = [
        row(2, "processed", may_be_processed=True, needs_lookup=True),
        row(11, "fresh"),
        row(12, "late", NOON - HOUR, needs_lookup=True, is_late=True),
        row(13, "stored", needs_lookup=True, is_late=True),
        row(14, "stored", reasons=["invalid_event_name"], is_late=True),
        row(15, "replayed", needs_lookup=True, attempt=1),
        row(16, "replayed", needs_lookup=True, attempt=2),
        row(17, "second", name="b:c"),
        row(18, "third", name="c:d"),
    ]
    counts = process(fence, all_steps(tables, fence), spark.createDataFrame(rows, ROW_SCHEMA))
    assert counts == BatchCounts(
        batch=7, stored=4, late=2, looked_up=3, late_duplicates=3, quarantined=2
    )
    assert counts.stored + counts.late_duplicates + counts.quarantined == len(rows)
    assert numbers(tables.events.read(spark)) == [1, 2, 11, 12, 16, 17]
    rejected = tables.quarantine.read(spark).select("sequence_number", "reasons").collect()
    assert sorted(map(tuple, rejected)) == [
        ("14", ["invalid_event_name"]),
        ("18", ["too_many_event_names"]),
    ]


def test_a_rejected_row_is_quarantined_beside_a_late_duplicate_of_the_same_identity(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """Only the duplicate is left out. This also holds if nothing else is in the batch."""
    put(tables.events, spark.createDataFrame([row(1, "a")], ROW_SCHEMA))
    rows = [row(11, "a", needs_lookup=True), row(12, "a", reasons=["invalid_event_name"])]
    counts = process(fence, all_steps(tables, fence), spark.createDataFrame(rows, ROW_SCHEMA))
    assert (counts.stored, counts.late_duplicates, counts.quarantined) == (0, 1, 1)
    assert numbers(tables.events.read(spark)) == [1]
    assert numbers(tables.quarantine.read(spark)) == [12]


def test_a_batch_in_doubt_is_completed(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """Its events were committed, its rejected rows were not, and the rules have changed since. A
    record stays where it is. An event is not stored again under another position."""
    put(tables.events, spark.createDataFrame([row(11, "a"), row(12, "b")], ROW_SCHEMA))
    rows = [
        row(11, "a"),
        row(12, "b", reasons=["new_rule"]),
        row(13, "c"),
        row(14, "a"),
        row(15, "d", reasons=["x"]),
    ]
    steps = all_steps(tables, fence, in_doubt=7)
    counts = process(fence, steps, spark.createDataFrame(rows, ROW_SCHEMA))
    assert counts == BatchCounts(
        batch=7, stored=1, late=0, looked_up=2, late_duplicates=3, quarantined=1
    )
    assert numbers(tables.events.read(spark)) == [11, 12, 13]
    assert numbers(tables.quarantine.read(spark)) == [15]
    again = process(fence, steps, spark.createDataFrame(rows, ROW_SCHEMA))
    assert (again.stored, again.late_duplicates, again.quarantined) == (0, 5, 0)


def test_an_empty_batch_is_reported_and_commits_nothing(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """The listener waits for the counts of every batch."""
    before = table_version(spark, tables.events)
    counts = process(fence, all_steps(tables, fence), spark.createDataFrame([], ROW_SCHEMA))
    assert counts == NOTHING
    assert table_version(spark, tables.events) == before


def test_a_fenced_run_and_a_wrong_clock_stop_the_batch_before_its_steps(
    spark: SparkSession, tables: Tables, fence: WriterFence
) -> None:
    """The rows are not even computed."""

    def wrong_clock(number: int) -> None:
        raise ClockError(f"batch {number}")

    def unreachable(batch: Batch) -> Batch:
        raise AssertionError("a step has run")

    rows = spark.createDataFrame([row(1)], ROW_SCHEMA)
    sink = ProcessedSink(fence, wrong_clock, [unreachable], unreachable_report)
    with pytest.raises(ClockError, match="batch 7"):
        sink(rows, 7)
    WriterFence(spark, (tables.events, tables.quarantine), "process")
    with pytest.raises(FencedError, match="fenced by run 1"):
        sink(rows, 7)


def unreachable_report(counts: BatchCounts) -> None:
    raise AssertionError("a batch was reported")
