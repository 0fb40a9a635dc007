"""The SparkSession of a benchmark, with the options of the jobs and a given amount of memory."""

from pyspark.sql import SparkSession

from jobs.config import Settings
from jobs.runtime import session_options


def local_session(settings: Settings, memory: str) -> SparkSession:
    """Build a session on all cores of this machine, whose JVM has a heap of `memory` (`"2g"`).

    The heap is fixed when the JVM starts, so this must be the first session of the process.
    """
    spark = (
        SparkSession.builder.appName("benchmark")
        .master("local[*]")
        .config("spark.driver.memory", memory)
        .config(map=dict(session_options(settings)))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
