"""One run at a time writes the tables, whatever another one was about to do."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.errors import LakeError
from jobs.lake import fencing as claim
from jobs.lake.fencing import Claim, Progress, progress
from jobs.lake.tables import Table


@pytest.fixture
def table(spark: SparkSession, tmp_path: Path) -> Table:
    made = Table(f"{tmp_path}/table", "number bigint, part int", ("part",), ("number",))
    made.create(spark)
    return made


def rows(spark: SparkSession, *numbers: int) -> DataFrame:
    return spark.createDataFrame([(number, 0) for number in numbers], "number bigint, part int")


def numbers(spark: SparkSession, table: Table) -> list[int]:
    return sorted(row[0] for row in table.read(spark).collect())


def test_a_run_that_was_taken_over_writes_nothing_more(spark: SparkSession, table: Table) -> None:
    """Its append is skipped by Delta, and that does not go unnoticed."""
    earlier = Claim(spark, [table], "process")
    earlier.append(rows(spark, 1), table, batch=0)
    later = Claim(spark, [table], "process")
    assert (later.before, later.run) == (Progress(0, 0), 1)
    with pytest.raises(LakeError, match=r"taken over .*it is run 1, this one is run 0"):
        earlier.append(rows(spark, 2), table, batch=1)
    with pytest.raises(LakeError, match="taken over"):
        earlier.require()
    later.append(rows(spark, 3), table, batch=0)
    later.require()
    assert numbers(spark, table) == [1, 3]
    assert progress(spark, table, "process") == Progress(1, 0)


def test_an_append_under_way_fails_when_another_run_takes_over(
    spark: SparkSession, table: Table, tmp_path: Path
) -> None:
    """Delta compares what the append began with to what is there at its commit."""
    writes, taken_over = tmp_path / "writes", tmp_path / "taken_over"

    @F.udf(returnType="bigint", useArrow=False)
    def once_taken_over(number: int) -> int:
        writes.touch()
        _wait_for(taken_over.exists)
        return number

    earlier, failures = Claim(spark, [table], "process"), []

    def append() -> None:
        late = rows(spark, 1).withColumn("number", once_taken_over("number"))
        try:
            earlier.append(late, table, batch=0)
        except Exception as error:
            failures.append(str(error))

    writing = threading.Thread(target=append)
    writing.start()
    _wait_for(writes.exists)
    Claim(spark, [table], "process")
    taken_over.touch()
    writing.join()
    assert "ConcurrentTransaction" in failures[0]
    assert numbers(spark, table) == []


def test_of_two_runs_that_claim_at_the_same_moment_one_fails(
    spark: SparkSession, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the same number, and Delta takes the second claim for the first."""
    faster: list[Claim] = []
    _before_the_next_append(monkeypatch, lambda: faster.append(Claim(spark, [table], "process")))
    with pytest.raises(LakeError, match="another run has taken over"):
        Claim(spark, [table], "process")
    faster[0].require()


def test_a_commit_just_before_the_claim_may_be_any_batch_of_the_run_before(
    spark: SparkSession, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not there when the tables were asked how far that run has come."""
    earlier = Claim(spark, [table], "process")
    _before_the_next_append(monkeypatch, lambda: earlier.append(rows(spark, 1), table, batch=7))
    later = Claim(spark, [table], "process")
    assert later.run == 1
    assert Progress(0, 7) < later.before < Progress(1)
    later.require()


def _before_the_next_append(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` once, when a commit to a table is about to begin."""
    append = claim.append

    def later(*arguments: object) -> None:
        monkeypatch.setattr(claim, "append", append)
        act()
        append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(claim, "append", later)


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
