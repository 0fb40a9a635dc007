"""The folder of the demo: what a demo deletes in it, and what it leaves."""

from pathlib import Path

import pytest

from jobs.config import Once, Settings, Source, load_settings
from jobs.demo.workspace import clear_workspace, lake_in, write_settings
from jobs.errors import LakeError
from transforms.enrichment import Field


def test_a_second_demo_replaces_the_lake_of_the_first(tmp_path: Path) -> None:
    """Files of the user in the same folder stay."""
    folder = tmp_path / "lake"
    clear_workspace(folder)
    (folder / "raw" / "records").mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    clear_workspace(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["demo.toml", "notes.txt"]


def test_a_folder_that_no_demo_created_is_left_alone(tmp_path: Path) -> None:
    """The error names the option that chooses another one."""
    (tmp_path / "raw").mkdir()
    with pytest.raises(LakeError, match=r"no demo created it\. Name another folder with --dir"):
        clear_workspace(tmp_path)
    assert (tmp_path / "raw").is_dir()


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    """The error has the cause."""
    (tmp_path / "file").touch()
    with pytest.raises(LakeError, match="cannot be written: Not a directory"):
        clear_workspace(tmp_path / "file" / "lake")


def test_the_settings_file_leads_other_commands_to_the_lake(tmp_path: Path) -> None:
    """The commands that the demo recommends work on what it created."""
    folder = tmp_path / 'a "lake" für alle'
    settings = Settings(
        source=Source(stream="demo", endpoint_url="http://127.0.0.1:1"),
        lake=lake_in(folder),
        once=Once(),
        fields=(Field(name="amount", path="$.details.amount", type="decimal(12,2)"),),
    )
    clear_workspace(folder)
    file = write_settings(folder, settings)
    assert load_settings(str(file), environment={}) == settings
