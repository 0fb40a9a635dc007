"""The lake that most tests of the jobs begin with."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.support.small_lake import SmallLake, settings_in


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> SmallLake:
    """An empty one, of this test's own, by the settings' defaults."""
    return SmallLake(spark, settings_in(tmp_path))
