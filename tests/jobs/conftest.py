"""The session and the lake that most tests of the jobs start with."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.interpreted import interpreted_spark
from tests.support.small_lake import SmallLake, settings_in

__all__ = ["empty_lake", "interpreted_spark", "lake"]


@pytest.fixture(scope="module")
def empty_lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with empty tables, which is made once and copied."""
    folder = tmp_path_factory.getbasetemp() / "empty-lake"
    if not folder.exists():
        SmallLake(spark, settings_in(folder)).tables.create(spark)
    return folder


@pytest.fixture
def lake(spark: SparkSession, empty_lake: Path, tmp_path: Path) -> SmallLake:
    """A new empty lake with the default settings."""
    shutil.copytree(empty_lake, tmp_path, dirs_exist_ok=True)
    return SmallLake(spark, settings_in(tmp_path))
