"""A checkpoint that is lost, damaged or somebody else's: refused with a remedy, or made up for."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit.verify import prove
from jobs.config.settings import Once, Process
from jobs.errors import LakeError
from tests.support.commands import run, settings
from tests.support.servers import Server
from tests.support.small_lake import SmallLake, event, settings_in
from tests.support.two_rounds import AFTER, BEFORE, NOW, assert_exact, forget_tables
from transforms import deduplication as once
from transforms.enrichment.promoted_fields import Field

pytestmark = pytest.mark.slow

Harm = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def origin(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that `process` has been through."""
    folder = tmp_path_factory.mktemp("origin")
    _fill(SmallLake(spark, settings_in(folder)))
    return folder


@pytest.fixture(scope="module")
def other(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another lake, with the same records."""
    folder = tmp_path_factory.mktemp("other")
    _fill(SmallLake(spark, settings_in(folder)))
    return folder


@pytest.fixture
def lake(spark: SparkSession, origin: Path, tmp_path: Path) -> SmallLake:
    """A lake of this test's own, and records that `process` has not seen."""
    folder = tmp_path / "lake"
    shutil.copytree(origin, folder)
    lake = SmallLake(spark, settings_in(folder), _records=len(BEFORE))
    lake.put(*AFTER)
    return lake


def _fill(lake: SmallLake) -> None:
    lake.put(*BEFORE)
    lake.process()


def _without(name: str) -> Harm:
    def harm(checkpoint: Path, other: Path) -> None:
        place = checkpoint / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    return harm


def _with_text(name: str, text: str) -> Harm:
    def harm(checkpoint: Path, other: Path) -> None:
        place = checkpoint / name
        place.with_name(f".{place.name}.crc").unlink(missing_ok=True)
        place.write_text(text)

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


REFUSED = {
    "its generation is gone": (_without("generation.json"), r"batches but no generation\.json"),
    "its generation is torn": (_with_text("generation.json", '{"iden'), r"json cannot be read"),
    "its generation is another one": (_with_others("generation.json"), r"is of the query"),
    "its offsets are gone": (_without("offsets"), r"offsets is empty, but \S+/commits is not"),
    "its last offset is torn": (_with_text("offsets/0", ""), r"offsets/0 cannot be read"),
    "its state is gone": (_without("state"), r"the state of the checkpoint is damaged"),
    "it is another lake's": (_with_another_lakes, r"was made for another raw"),
    "the tables were made anew": (_without_processed, r"was made for another events"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_checkpoint_that_cannot_be_trusted_is_refused(
    lake: SmallLake, other: Path, case: str
) -> None:
    """One line says what to do."""
    harm, said = REFUSED[case]
    checkpoint = Path(lake.settings.lake.checkpoints) / "process"
    harm(checkpoint, other)
    forget_tables(lake.spark)
    with pytest.raises(LakeError, match=said) as refused:
        lake.process()
    assert "\n" not in str(refused.value)
    assert "move" in str(refused.value)


def test_without_its_checkpoint_a_lake_of_new_tables_is_exact(lake: SmallLake) -> None:
    """What is refused with the old checkpoint is made up for once that is moved away."""
    checkpoint = Path(lake.settings.lake.checkpoints) / "process"
    _without_processed(checkpoint, Path())
    checkpoint.rename(checkpoint.with_name("moved"))
    forget_tables(lake.spark)
    lake.process()
    assert_exact(lake)


def test_a_lost_checkpoint_is_said_to_begin_a_new_generation(
    lake: SmallLake, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells why this run takes longer, and from when on the state answers again."""
    shutil.rmtree(lake.settings.lake.checkpoints)
    with caplog.at_level(logging.INFO, logger="event-lake"):
        lake.process()
    [line] = [line for line in caplog.messages if "query=process generation=" in line]
    assert "raw is read from its start" in line
    assert "the tables are asked for what was taken before 20" in line
    assert prove(lake.spark, lake.tables).is_clean
    assert_exact(lake)


def test_a_checkpoint_without_its_commits_processes_its_last_batch_again(lake: SmallLake) -> None:
    """The tables tell what is in them already."""
    _without("commits")(Path(lake.settings.lake.checkpoints) / "process", Path())
    lake.process()
    assert_exact(lake)


def test_a_checkpoint_outlives_new_fields_partitions_and_state_stores(lake: SmallLake) -> None:
    """The state holds identities alone; Spark keeps to the partitions and the store it has."""
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


def test_a_state_of_other_columns_is_refused_in_one_line(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of the program had another identity; the command line says what to do."""
    lake = SmallLake(spark, settings_in(tmp_path))
    with monkeypatch.context() as earlier:
        earlier.setattr(once, "IDENTITY", ("event_uuid", "event_name"))
        _fill(lake)
    lake.put(*AFTER)
    nowhere = Server("none", "http://127.0.0.1:9")  # `process` reads raw alone
    ended = run("process", "--once", *settings(nowhere, str(tmp_path)))
    assert ended.returncode == LakeError.exit_code
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("event-lake: ")]
    assert "that of another version of this program: move the folder `process`" in line
    assert "Traceback" not in ended.stderr

    (tmp_path / "checkpoints/process").rename(tmp_path / "moved")
    lake.process()
    assert_exact(lake)
