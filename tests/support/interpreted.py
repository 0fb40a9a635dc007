"""A session that interprets its plans instead of generating code for them."""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

# For the few rows of a test, Spark takes longer to generate and compile code for each plan, and to
# plan again after each stage, than for everything else. The programs that tests start do both, and
# so do the tests of tests/transforms.
_INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@contextmanager
def interpreted(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, which generates no code while the block runs."""
    for key, value in _INTERPRETED.items():
        spark.conf.set(key, value)
    try:
        yield spark
    finally:
        for key in _INTERPRETED:
            spark.conf.unset(key)
