"""Small files through Hadoop."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.errors import LakeError
from jobs.runtime.filesystem import HadoopDirectory


def test_files_are_written_read_and_deleted(spark: SparkSession, tmp_path: Path) -> None:
    """A file is replaced as a whole. Text is UTF-8."""
    directory = HadoopDirectory(spark, f"{tmp_path}/new/folder/")
    directory.write("one", "first")
    directory.write("one", "größer\n")
    directory.write("two", "")
    assert sorted(directory.names()) == ["one", "two"]
    assert (directory.read("one"), directory.read("two")) == ("größer\n", "")
    directory.delete("one")
    directory.delete("one")
    assert directory.names() == ["two"]


def test_what_does_not_exist_is_empty(spark: SparkSession, tmp_path: Path) -> None:
    """A new checkpoint has no folder yet."""
    directory = HadoopDirectory(spark, f"file://{tmp_path}/none")
    assert directory.names() == []
    assert directory.read("file") is None


def test_a_file_that_cannot_be_written_is_named(spark: SparkSession, tmp_path: Path) -> None:
    """The error is one line with the path."""
    (tmp_path / "file").write_text("")
    directory = HadoopDirectory(spark, f"{tmp_path}/file")
    with pytest.raises(LakeError, match=rf"{tmp_path}/file/name cannot be written: "):
        directory.write("name", "text")
