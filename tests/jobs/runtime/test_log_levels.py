"""Which of Spark's classes log errors only. `tests/scenarios/test_quiet_log.py` has a whole run."""

from pyspark.sql import SparkSession

from jobs.runtime.log_levels import silence_healthy_batches


def test_the_warning_about_released_rows_is_silenced(spark: SparkSession) -> None:
    """Other classes keep their level."""
    assert spark._jvm is not None
    manager = spark._jvm.org.apache.logging.log4j.LogManager
    released = manager.getLogger("org.apache.spark.rdd.MapPartitionsRDD")
    other = manager.getLogger("org.apache.spark.rdd.ShuffledRDD")
    spark.sparkContext.setLogLevel("WARN")
    try:
        silence_healthy_batches(spark)
        assert (str(released.getLevel()), str(other.getLevel())) == ("ERROR", "WARN")
    finally:
        spark.sparkContext.setLogLevel("ERROR")
