"""Where `ingest` goes on: raw's commits tell what they have of its checkpoint."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.checkpoints.checkpoint import Checkpoint
from jobs.checkpoints.ingest_runs import Writers
from jobs.config.settings import Settings, Source
from jobs.errors import LakeError
from jobs.lake.delta_log import version
from jobs.lake.fencing import Claim
from jobs.sinks.raw import RawSink
from jobs.streaming.runner import Run
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.small_lake import SmallLake, settings_in


class Ingest:
    """A checkpoint of `ingest` whose batches a test plans itself, over a raw table."""

    def __init__(self, spark: SparkSession, folder: Path, name: str = "checkpoint") -> None:
        self._spark = spark
        self.folder = folder / name
        self.lake = SmallLake(spark, settings_in(folder))
        self.lake.tables.create(spark)

    @property
    def writers(self) -> Writers:
        checkpoint = Checkpoint(self._spark, str(self.folder))
        return Writers(self._spark, checkpoint, self.lake.tables.raw, "ingest")

    def plan(self, batch: int) -> None:
        (self.folder / "offsets").mkdir(parents=True, exist_ok=True)
        (self.folder / f"offsets/{batch}").touch()

    def note_as_done(self, batch: int) -> None:
        (self.folder / "commits").mkdir(parents=True, exist_ok=True)
        (self.folder / f"commits/{batch}").touch()

    def begin(self) -> tuple[RawSink, int]:
        claim, written = self.writers.claim()
        return RawSink(claim, self.lake.tables.raw, written), written

    def run(self, batch: int) -> int:
        """A run that plans `batch`, writes it, and is killed; answers what raw had before."""
        sink, written = self.begin()
        self.plan(batch)
        sink(self._spark.createDataFrame([], self.lake.tables.raw.schema), batch)
        return written


def test_a_batch_that_raw_has_is_not_written_again(spark: SparkSession, tmp_path: Path) -> None:
    """Nor when runs that were left with it died too, before they claimed raw or behind that."""
    ingest = Ingest(spark, tmp_path)
    raw = ingest.lake.tables.raw
    assert ingest.run(batch=0) == -1
    assert ingest.begin()[1] == 0
    (ingest.folder / "runs/before").touch()
    (ingest.folder / "runs/behind").touch()
    Claim(spark, [raw], "ingest", "behind")
    sink, written = ingest.begin()
    before = version(spark, raw)
    sink(raw.read(spark), 0)
    assert (written, version(spark, raw)) == (0, before)


def test_a_batch_that_was_planned_alone_is_still_to_be_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    ingest = Ingest(spark, tmp_path)
    assert ingest.begin()[1] == -1
    ingest.plan(0)
    assert ingest.run(batch=0) == -1
    ingest.note_as_done(0)
    ingest.plan(1)
    assert ingest.run(batch=1) == 0


def test_a_checkpoint_is_refused_when_another_one_has_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A new one is not: it goes on behind the last records that raw has."""
    ingest, other = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "other")
    ingest.run(batch=0)
    assert other.run(batch=0) == -1
    with pytest.raises(LakeError, match=r"run 1, which it does not know, has writ.* Move the"):
        ingest.begin()
    assert other.begin()[1] == 0


def test_a_checkpoint_that_is_older_than_raw_is_refused_and_takes_nothing_over(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Restored from a copy, it would read records once more that raw has."""
    ingest, copy = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "copy")
    sink, _ = ingest.begin()
    nothing = ingest.lake.tables.raw.read(spark)
    ingest.plan(0)
    sink(nothing, 0)
    shutil.copytree(ingest.folder, copy.folder)
    ingest.plan(1)
    sink(nothing, 1)
    with pytest.raises(LakeError, match="last batch is 0, but the table has batch 1"):
        copy.begin()
    sink(nothing, 2)


def test_a_checkpoint_that_is_newer_than_raw_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    """It takes for done what a restored table lacks."""
    ingest = Ingest(spark, tmp_path)
    ingest.run(batch=0)
    for batch in (0, 1):
        ingest.note_as_done(batch)
    ingest.plan(2)
    with pytest.raises(LakeError, match="has done batch 1, but the table has none behind 0"):
        ingest.begin()


def test_a_batch_is_refused_when_raw_lacks_the_one_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The table was restored, and the checkpoint's notes of what is done are gone."""
    ingest = Ingest(spark, tmp_path)
    ingest.run(batch=0)
    ingest.plan(5)
    sink, _ = ingest.begin()
    with pytest.raises(LakeError, match="has no batch between 0 and 5 of this checkpoint"):
        sink(ingest.lake.tables.raw.read(spark), 5)


def test_a_copy_that_wrote_nothing_is_not_in_the_way(spark: SparkSession, tmp_path: Path) -> None:
    ingest, copy = Ingest(spark, tmp_path), Ingest(spark, tmp_path, "copy")
    ingest.run(batch=0)
    shutil.copytree(ingest.folder, copy.folder)
    assert copy.begin()[1] == 0
    assert ingest.begin()[1] == 0


def test_a_checkpoint_of_which_raw_tells_nothing_is_refused(
    spark: SparkSession, tmp_path: Path
) -> None:
    ingest = Ingest(spark, tmp_path)
    ingest.plan(0)
    with pytest.raises(LakeError, match="log does not tell"):
        ingest.begin()


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        running.client().create_stream(StreamName="events", ShardCount=2)
        yield running


def test_two_copies_of_a_checkpoint_take_turns_and_raw_is_exact(
    spark: SparkSession, fake: FakeKinesis, tmp_path: Path
) -> None:
    """The one that was left behind says so, and goes on when its folder is moved away."""
    lake = settings_in(tmp_path).lake
    given = replace(settings_in(tmp_path), source=Source(stream="events", endpoint_url=fake.url))
    copied = replace(given, lake=replace(lake, checkpoints=f"{tmp_path}/copy"))
    put: list[bytes] = []

    def ingest(settings: Settings) -> None:
        for _ in range(10):
            put.append(b"record %d" % len(put))
            fake.client().put_record(StreamName="events", Data=put[-1], PartitionKey=f"{len(put)}")
        Run(settings, once=True).start(("ingest",))

    ingest(given)
    shutil.copytree(tmp_path / "checkpoints", tmp_path / "copy")
    ingest(copied)
    with pytest.raises(LakeError, match="which it does not know, has written"):
        ingest(given)
    ingest(copied)
    shutil.rmtree(tmp_path / "checkpoints")
    ingest(given)
    raw = SmallLake(spark, given).tables.raw.read(spark)
    assert sorted(bytes(row.data) for row in raw.collect()) == sorted(put)
