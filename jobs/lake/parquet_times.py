"""Make a session write times that every engine reads.

By default, Spark writes a `timestamp` as INT96. Other engines convert INT96 to nanoseconds, which
reach from 1677 to 2262: later and earlier times are read as other times, or fail the whole table.
"""

from pyspark.sql import SparkSession

from jobs.runtime import EXACT_TIMES


def write_int64_times(spark: SparkSession) -> None:
    """Let `spark` write times as INT64 microseconds, and keep this setting.

    Delta has no option for it, so it is a setting of the session that writes. A library user's
    session has the default, and `foreachBatch` has a session of its own. Every way to commit to the
    tables calls this first.
    """
    for key, value in EXACT_TIMES.items():
        spark.conf.set(key, value)
