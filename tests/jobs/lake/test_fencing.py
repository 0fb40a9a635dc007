"""Only one run at a time writes the tables, whatever another run is about to do."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import FencedError
from jobs.lake.append import append
from jobs.lake.fencing import (
    CommitMark,
    RunProgress,
    WriterFence,
    commit_marks,
    run_progress,
)
from jobs.lake.tables import Table
from tests.support.waiting import wait_until


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Table:
    table = Table(f"{tmp_path}/table", "number bigint, part int", ("part",), ("number",))
    table.create(spark)
    return table


def rows(spark: SparkSession, *numbers: int) -> DataFrame:
    return spark.createDataFrame([(number, 0) for number in numbers], "number bigint, part int")


def numbers(spark: SparkSession, table: Table) -> list[int]:
    return sorted(row[0] for row in table.read(spark).collect())


def test_a_fenced_run_appends_nothing_and_fails(spark: SparkSession, table: Table) -> None:
    """Delta skips its append without an error, so the fence must detect it."""
    earlier = WriterFence(spark, [table], "process")
    earlier.append(rows(spark, 1), table, batch=0)
    later = WriterFence(spark, [table], "process")
    assert (later.previous, later.run) == (RunProgress(0, 0), 1)
    with pytest.raises(FencedError, match=r"fenced by run 1: this run \(0\) of process must not"):
        earlier.append(rows(spark, 2), table, batch=1)
    with pytest.raises(FencedError, match="fenced by run 1"):
        earlier.require()
    later.append(rows(spark, 3), table, batch=0)
    later.require()
    assert numbers(spark, table) == [1, 3]
    assert run_progress(spark, table, "process") == RunProgress(1, 0)


def test_a_running_append_fails_when_another_run_fences_the_table(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    """Delta rejects its commit, because the version of the application has changed since."""
    writes, is_fenced = tmp_path / "writes", tmp_path / "is_fenced"

    @F.udf(returnType="bigint", useArrow=False)
    def after_the_fence(number: int) -> int:
        writes.touch()
        wait_until(is_fenced.exists, "fence")
        return number

    earlier = WriterFence(spark, [table], "process")
    failures: list[str] = []

    def append_slowly() -> None:
        late = rows(spark, 1).withColumn("number", after_the_fence("number"))
        try:
            earlier.append(late, table, batch=0)
        except Exception as error:
            failures.append(str(error))

    writing = threading.Thread(target=append_slowly)
    writing.start()
    wait_until(writes.exists, "append")
    WriterFence(spark, [table], "process")
    is_fenced.touch()
    writing.join(timeout=120)
    assert "ConcurrentTransaction" in failures[0]
    assert numbers(spark, table) == []


def test_one_of_two_runs_that_fence_at_the_same_moment_fails(
    spark: SparkSession, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have the same number, so Delta skips the commit of the slower one."""
    faster: list[WriterFence] = []
    _before_the_next_append(
        monkeypatch, lambda: faster.append(WriterFence(spark, [table], "process"))
    )
    with pytest.raises(FencedError, match="fenced by run 0"):
        WriterFence(spark, [table], "process")
    faster[0].require()


def test_a_commit_just_before_the_fence_may_be_any_batch_of_the_previous_run(
    spark: SparkSession, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The progress of that run was read before the commit, so it is only a lower bound."""
    earlier = WriterFence(spark, [table], "process")
    _before_the_next_append(monkeypatch, lambda: earlier.append(rows(spark, 1), table, batch=7))
    later = WriterFence(spark, [table], "process")
    assert later.run == 1
    assert RunProgress(0, 7) < later.previous < RunProgress(1)
    later.require()


def test_the_marks_of_a_query_are_read_from_its_commits(spark: SparkSession, table: Table) -> None:
    """The newest is first. Commits of other queries, and those without a note, are left out."""
    assert list(commit_marks(spark, table, "ingest")) == []
    fence = WriterFence(spark, [table], "ingest", writer="one")
    fence.append(rows(spark, 1), table, batch=4)
    rows(spark, 2).write.format("delta").mode("append").save(table.path)
    WriterFence(spark, [table], "process", writer="other")
    WriterFence(spark, [table], "ingest", writer="two")
    assert list(commit_marks(spark, table, "ingest")) == [
        CommitMark(RunProgress(1, -1), "two"),
        CommitMark(RunProgress(0, 4), "one"),
        CommitMark(RunProgress(0, -1), "one"),
    ]


@pytest.mark.parametrize(
    ("progress", "version", "note"),
    [
        (RunProgress(0, -1), 0, "event-lake/ingest run 0 begins by w1"),
        (RunProgress(0, 0), 1, "event-lake/ingest run 0 batch 0 by w1"),
        (RunProgress(3, 7), 3 * 2**32 + 8, "event-lake/ingest run 3 batch 7 by w1"),
    ],
)
def test_progress_and_marks_are_stored_as_numbers_and_notes(
    progress: RunProgress, version: int, note: str
) -> None:
    """These are on disk: a later version of the program must read them."""
    assert progress.version == version
    assert RunProgress.from_version(version) == progress
    mark = CommitMark(progress, "w1")
    assert mark.to_note("event-lake/ingest") == note
    assert CommitMark.from_note(note, "event-lake/ingest") == mark
    assert CommitMark.from_note(note, "event-lake/process") is None


def _before_the_next_append(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Call `act` once, immediately before the next commit to a table."""

    def appending(*arguments: object) -> None:
        monkeypatch.setattr("jobs.lake.fencing.append", append)
        act()
        append(*arguments)  # type: ignore[arg-type]  # the arguments of `append`

    monkeypatch.setattr("jobs.lake.fencing.append", appending)
