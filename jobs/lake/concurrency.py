"""Whether a command may write tables that a running `stream`, `ingest` or `process` writes too.

Local disk and HDFS let one of two commits of the same version win; the other is told, and comes
behind it. S3 alone lets both believe that they won, and one commit is lost. A log store that
arbitrates (Delta has one on DynamoDB) makes S3 safe; so does stopping everything else.
"""

import argparse

from pyspark.sql import SparkSession

from jobs.errors import ConfigError
from jobs.config.settings import Settings

_WITHOUT_ARBITER = ("s3", "s3a", "s3n")
_ARBITER = "io.delta.storage.S3DynamoDBLogStore"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --stopped."""
    parser.add_argument(
        "--stopped",
        action="store_true",
        help="nothing else writes this lake now: needed on S3 without a log store that arbitrates",
    )


def require_single_writer(spark: SparkSession, settings: Settings, stopped: bool) -> None:
    """Raise ConfigError where a second writer at this moment could cost a commit.

    Args:
        stopped: the user says that nothing else writes this lake now.

    Raises:
        ConfigError: a table stands on S3, and nobody arbitrates there.
    """
    if stopped:
        return
    # Delta takes the log store from what Spark was started with, by the scheme of a table's path;
    # a setting that was made later, or for another scheme, would protect nothing.
    started_with = dict(spark.sparkContext.getConf().getAll())
    for place in (settings.lake.raw, settings.lake.processed):
        scheme = place.partition("://")[0] if "://" in place else ""
        log_store = f"spark.delta.logStore.{scheme}.impl"
        if scheme in _WITHOUT_ARBITER and started_with.get(log_store) != _ARBITER:
            raise ConfigError(
                f"{place}: S3 does not arbitrate between two writers of a table, and one commit "
                "could be lost: stop everything that writes this lake and give --stopped, or "
                f"start with --conf {log_store}={_ARBITER}"
            )
