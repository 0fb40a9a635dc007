"""The lake that most tests of the jobs start with."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.small_lake import SmallLake, settings_in


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> SmallLake:
    """A new empty lake with the default settings."""
    return SmallLake(spark, settings_in(tmp_path))
