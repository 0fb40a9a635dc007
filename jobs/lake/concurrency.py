"""Whether a second writer may commit to the tables while `stream`, `ingest` or `process` runs.

Local disk and HDFS let one of two commits of the same version win; the other one is retried after
it. S3 alone lets both succeed, and one commit is lost. Delta's log store on DynamoDB makes S3 safe;
so does stopping every other writer.
"""

from pyspark.sql import SparkSession

from jobs.config import Settings
from jobs.errors import ConfigError

_SCHEMES_WITHOUT_ARBITER = ("s3", "s3a", "s3n")
_ARBITER = "io.delta.storage.S3DynamoDBLogStore"


def require_single_writer(spark: SparkSession, settings: Settings, stopped: bool) -> None:
    """Check that a second writer cannot cost a commit.

    Args:
        stopped: the user asserts that nothing else writes this lake now.

    Raises:
        ConfigError: a table is on S3, where nothing arbitrates between two writers.
    """
    if stopped:
        return
    # Delta takes the log store from the configuration that Spark was started with, by the scheme of
    # the table's path. A setting that is made later, or for another scheme, protects nothing.
    started_with = dict(spark.sparkContext.getConf().getAll())
    for path in (settings.lake.raw, settings.lake.processed):
        scheme = path.partition("://")[0] if "://" in path else ""
        log_store = f"spark.delta.logStore.{scheme}.impl"
        if scheme in _SCHEMES_WITHOUT_ARBITER and started_with.get(log_store) != _ARBITER:
            raise ConfigError(
                f"{path}: S3 does not arbitrate between two writers of a table, so one commit "
                "could be lost. Stop everything that writes this lake and add --stopped, or start "
                f"with --conf {log_store}={_ARBITER}"
            )
