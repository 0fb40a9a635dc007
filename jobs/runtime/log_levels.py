"""Silence the warnings that Spark logs in each healthy batch, on one machine and on clusters.

On one machine, `conf/spark/log4j2.properties` also silences warnings at the start.
"""

from contextlib import suppress

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

_TO_ERROR = (
    # The rows of a batch are checkpointed locally, so that they are never computed twice. When they
    # are released, Spark warns that they could not be computed again.
    "org.apache.spark.rdd.MapPartitionsRDD",
)


def silence_healthy_batches(spark: SparkSession) -> None:
    """Log only errors from these classes. Without Log4j 2, nothing changes."""
    jvm = spark._jvm
    if jvm is None:
        return
    # TypeError: a class that is not on the class path cannot be called.
    with suppress(Py4JError, TypeError):
        level = jvm.org.apache.logging.log4j.Level.ERROR
        for name in _TO_ERROR:
            jvm.org.apache.logging.log4j.core.config.Configurator.setLevel(name, level)
