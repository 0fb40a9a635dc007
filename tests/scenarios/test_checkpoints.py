"""A checkpoint that is lost, damaged or of another lake: `process` rejects it, or recovers."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Once, Process
from jobs.errors import CheckpointError
from tests.support.small_lake import SmallLake, event, forget_tables, settings_in
from tests.support.two_rounds import AFTER, BEFORE, NOW, assert_exact
from transforms import deduplication
from transforms.enrichment import Field

Harm = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def origin(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake whose records `process` has processed, and records that it has not seen."""
    folder = tmp_path_factory.mktemp("origin")
    lake = SmallLake(spark, settings_in(folder))
    _fill(lake)
    lake.put(*AFTER)
    return folder


@pytest.fixture(scope="module")
def other(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another lake with the same records."""
    folder = tmp_path_factory.mktemp("other")
    _fill(SmallLake(spark, settings_in(folder)))
    return folder


@pytest.fixture
def lake(spark: SparkSession, origin: Path, tmp_path: Path) -> SmallLake:
    """A copy of `origin` for this test."""
    folder = tmp_path / "lake"
    shutil.copytree(origin, folder)
    return SmallLake(spark, settings_in(folder), _records=len(BEFORE + AFTER))


def _fill(lake: SmallLake) -> None:
    lake.put(*BEFORE)
    lake.process()


def _without(name: str) -> Harm:
    def harm(checkpoint: Path, other: Path) -> None:
        path = checkpoint / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return harm


def _with_text(name: str, text: str) -> Harm:
    def harm(checkpoint: Path, other: Path) -> None:
        path = checkpoint / name
        path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
        path.write_text(text)

    return harm


def _with_others(name: str) -> Harm:
    def harm(checkpoint: Path, other: Path) -> None:
        _with_text(name, (other / "checkpoints/process" / name).read_text())(checkpoint, other)

    return harm


def _with_another_lakes(checkpoint: Path, other: Path) -> None:
    shutil.rmtree(checkpoint)
    shutil.copytree(other / "checkpoints/process", checkpoint)


def _without_processed(checkpoint: Path, other: Path) -> None:
    shutil.rmtree(checkpoint.parents[1] / "processed")


REJECTED = {
    "no generation": (_without("generation.json"), r"batches but no generation\.json"),
    "torn generation": (_with_text("generation.json", '{"iden'), r"json cannot be read"),
    "another generation": (_with_others("generation.json"), r"belongs to the query"),
    "no offsets": (_without("offsets"), r"offsets is empty, but \S+/commits is not"),
    "torn last offset": (_with_text("offsets/0", ""), r"offsets/0 cannot be read"),
    "no state": (_without("state"), r"the state of the checkpoint is damaged"),
    "another lake": (_with_another_lakes, r"was made for another raw"),
    "new tables": (_without_processed, r"was made for another events"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_checkpoint_that_cannot_be_trusted_is_rejected(
    lake: SmallLake, other: Path, case: str
) -> None:
    """The error is one line that names the folder to move away."""
    harm, message = REJECTED[case]
    checkpoint = Path(lake.settings.lake.checkpoints) / "process"
    harm(checkpoint, other)
    forget_tables(lake.spark)
    with pytest.raises(CheckpointError, match=message) as rejected:
        lake.process()
    assert "\n" not in str(rejected.value)
    assert "move" in str(rejected.value).lower()


def test_without_its_checkpoint_a_lake_of_new_tables_is_exact(lake: SmallLake) -> None:
    """The advice works: without the rejected checkpoint, all of raw is processed again."""
    checkpoint = Path(lake.settings.lake.checkpoints) / "process"
    _without_processed(checkpoint, Path())
    checkpoint.rename(checkpoint.with_name("moved"))
    forget_tables(lake.spark)
    lake.process()
    assert_exact(lake)


def test_after_a_lost_checkpoint_the_log_reports_a_new_generation(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """It also reports since when the state is complete, which explains why the run takes longer."""
    shutil.rmtree(lake.settings.lake.checkpoints)
    with caplog.at_level(logging.INFO):
        lake.process()
    [line] = [line for line in caplog.messages if "query=process run=" in line]
    assert "run=1 checkpoint=new generation=" in line
    assert "covered_since=20" in line
    assert line.endswith("batch_in_doubt=None")
    assert verify_tables(lake.spark, lake.tables).is_clean
    assert_exact(lake)


def test_a_checkpoint_without_its_commits_processes_its_last_batch_again(lake: SmallLake) -> None:
    """The batch is in doubt, so its rows are looked up in the tables."""
    _without("commits")(Path(lake.settings.lake.checkpoints) / "process", Path())
    lake.process()
    assert_exact(lake)


def test_a_checkpoint_survives_new_fields_partitions_and_state_stores(lake: SmallLake) -> None:
    """The state contains identities only. Spark keeps the partitions and the store that it has."""
    user = Field("user_id", "$.user_id", "bigint")
    changed = replace(
        lake.settings,
        fields=(user,),
        once=Once(state_store="memory"),
        process=Process(shuffle_partitions=3),
    )
    with_field = SmallLake(lake.spark, changed, _records=7)
    with_field.put(event("c", NOW, user_id=1))
    with_field.process()
    without_field = SmallLake(lake.spark, lake.settings, _records=8)
    without_field.put(event("c", NOW, user_id=2), event("d", NOW, user_id=2))
    without_field.process()
    assert without_field.stored() == ["a", "b", "c", "d", "late"]
    users = without_field.events().select("event_uuid", "user_id").where("user_id IS NOT NULL")
    assert [tuple(row) for row in users.collect()] == [("c", 1)]


def test_a_state_with_other_columns_is_rejected_in_one_line(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the program had another identity. The error names what to do."""
    lake = SmallLake(spark, settings_in(tmp_path))
    with monkeypatch.context() as earlier:
        earlier.setattr(deduplication, "IDENTITY", ("event_uuid", "event_name"))
        _fill(lake)
    lake.put(*AFTER)
    with pytest.raises(CheckpointError, match="by another version of this program") as rejected:
        lake.process()
    assert "move the folder `process`" in str(rejected.value)
    assert "\n" not in str(rejected.value)

    (tmp_path / "checkpoints/process").rename(tmp_path / "moved")
    lake.process()
    assert_exact(lake)
