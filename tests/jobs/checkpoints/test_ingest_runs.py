"""Where `ingest` resumes: the commits of raw show which batches of its checkpoint raw contains."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.ingest_runs import IngestRuns
from jobs.errors import CheckpointError
from jobs.lake import WriterFence, table_version
from jobs.sinks import RawSink
from tests.jobs.checkpoints.spark_files import commit_batch
from tests.support.small_lake import SmallLake, settings_in


class Ingest:
    """A checkpoint of `ingest` over a raw table. The test plans and commits its batches."""

    def __init__(self, spark: SparkSession, folder: Path, name: str = "checkpoint") -> None:
        self._spark = spark
        self.folder = folder / name
        self.lake = SmallLake(spark, settings_in(folder))
        self.lake.tables.create(spark)

    @property
    def runs(self) -> IngestRuns:
        checkpoint = Checkpoint(self._spark, str(self.folder))
        return IngestRuns(self._spark, checkpoint, self.lake.tables.raw)

    def plan(self, batch: int) -> None:
        (self.folder / "offsets").mkdir(parents=True, exist_ok=True)
        (self.folder / f"offsets/{batch}").touch()

    def begin(self) -> tuple[RawSink, int]:
        """Start a run. Return its sink, and the last batch that raw contains."""
        fence, last_written = self.runs.fence()
        return RawSink(fence, self.lake.tables.raw, last_written), last_written

    def run(self, batch: int) -> int:
        """Start a run that plans and writes `batch` and dies then. Return what raw had before."""
        sink, last_written = self.begin()
        self.plan(batch)
        sink(self._spark.createDataFrame([], self.lake.tables.raw.schema), batch)
        return last_written


def test_a_batch_that_raw_contains_is_not_written_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Not even if the next runs died too, before they fenced raw or after it."""
    ingest = Ingest(spark, tmp_path)
    raw = ingest.lake.tables.raw
    assert ingest.run(batch=0) == -1
    assert ingest.begin()[1] == 0
    (ingest.folder / "runs/before").touch()
    (ingest.folder / "runs/after").touch()
    WriterFence(spark, [raw], "ingest", "after")
    sink, last_written = ingest.begin()
    before = table_version(spark, raw)
    sink(raw.read(spark), 0)
    assert (last_written, table_version(spark, raw)) == (0, before)


def test_a_batch_that_was_only_planned_is_written_by_the_next_run(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Raw contains nothing of it."""
    ingest = Ingest(spark, tmp_path)
    assert ingest.begin()[1] == -1
    ingest.plan(0)
    assert ingest.run(batch=0) == -1
    commit_batch(ingest.folder, 0)
    ingest.plan(1)
    assert ingest.run(batch=1) == 0


def test_a_checkpoint_is_rejected_after_another_one_has_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The other one is not: when it was new, it continued after the last records in raw."""
    ingest, other = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "other")
    ingest.run(batch=0)
    assert other.run(batch=0) == -1
    message = r"run 1, which the checkpoint does not record, has written the table\. Move the"
    with pytest.raises(CheckpointError, match=message):
        ingest.begin()
    assert other.begin()[1] == 0


def test_a_checkpoint_that_is_older_than_raw_is_rejected_and_fences_nobody(
    spark: SparkSession, tmp_path: Path
) -> None:
    """It was restored from a copy, and would read records again that raw contains."""
    ingest, copy = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "copy")
    sink, _ = ingest.begin()
    no_rows = ingest.lake.tables.raw.read(spark)
    ingest.plan(0)
    sink(no_rows, 0)
    shutil.copytree(ingest.folder, copy.folder)
    ingest.plan(1)
    sink(no_rows, 1)
    message = "table has batch 1, but the last batch of the checkpoint is 0: the checkpoint was"
    with pytest.raises(CheckpointError, match=message):
        copy.begin()
    sink(no_rows, 2)


def test_a_checkpoint_that_is_newer_than_raw_is_rejected(
    spark: SparkSession, tmp_path: Path
) -> None:
    """It has committed a batch that the restored table lacks."""
    ingest = Ingest(spark, tmp_path)
    ingest.run(batch=0)
    for batch in (0, 1):
        commit_batch(ingest.folder, batch)
    ingest.plan(2)
    message = "table has no batch after 0, but the checkpoint has committed batch 1: the table was"
    with pytest.raises(CheckpointError, match=message):
        ingest.begin()


def test_a_batch_is_rejected_if_raw_lacks_the_batch_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The table was restored, and the commits of the checkpoint are gone."""
    ingest = Ingest(spark, tmp_path)
    ingest.run(batch=0)
    ingest.plan(5)
    sink, _ = ingest.begin()
    with pytest.raises(CheckpointError, match="has no batch between 0 and 5 of this checkpoint"):
        sink(ingest.lake.tables.raw.read(spark), 5)


def test_a_copy_that_wrote_nothing_is_no_obstacle(spark: SparkSession, tmp_path: Path) -> None:
    """The original checkpoint resumes after it."""
    ingest, copy = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "copy")
    ingest.run(batch=0)
    shutil.copytree(ingest.folder, copy.folder)
    assert copy.begin()[1] == 0
    assert ingest.begin()[1] == 0


def test_a_checkpoint_is_rejected_if_the_log_of_raw_has_no_run(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Then it is unknown which batches raw contains."""
    ingest = Ingest(spark, tmp_path)
    ingest.plan(0)
    with pytest.raises(CheckpointError, match="log of the table does not reach back far enough"):
        ingest.begin()


def test_only_the_last_run_is_recorded_with_what_raw_contained(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Under its writer name, which no other run has."""
    ingest = Ingest(spark, tmp_path)
    ingest.run(batch=0)
    [first] = [path for path in (ingest.folder / "runs").iterdir() if path.name.isalnum()]
    assert first.read_text() == "-1"
    ingest.begin()
    [second] = [path for path in (ingest.folder / "runs").iterdir() if path.name.isalnum()]
    assert second.read_text() == "0"
    assert second.name != first.name
