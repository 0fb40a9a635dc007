"""The SparkSession of a benchmark: as the jobs build theirs, with memory of a stated size."""

from pyspark.sql import SparkSession

from jobs.config.settings import Settings
from jobs.runtime import session


def local_session(settings: Settings, memory: str) -> SparkSession:
    """A session on all cores of this machine, whose JVM may use `memory` (`"2g"`).

    Memory must be stated before the JVM starts, so this is to be the process's first session.
    """
    spark = (
        SparkSession.builder.appName("benchmark")
        .master("local[*]")
        .config("spark.driver.memory", memory)
        .config(map=dict(session.options(settings)))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
