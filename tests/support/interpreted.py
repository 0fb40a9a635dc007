"""A session that interprets its plans instead of generating code for them.

A conftest.py that imports the fixture replaces `spark` for the tests of its folder.
"""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

# For the few rows of a test, Spark takes longer to generate and compile code for each plan, and to
# plan again after each stage, than for everything else. The programs that tests start do both, and
# so do the tests of tests/transforms.
_INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(name="spark", scope="module")
def interpreted_spark(spark: SparkSession) -> Iterator[SparkSession]:
    """The session of all tests, which generates no code for the tests of a module."""
    for key, value in _INTERPRETED.items():
        spark.conf.set(key, value)
    yield spark
    for key in _INTERPRETED:
        spark.conf.unset(key)
