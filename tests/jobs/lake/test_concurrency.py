"""A command may commit while `stream` runs if the storage arbitrates between two writers."""

from collections.abc import Iterator

import pytest
from pyspark import SparkConf
from pyspark.sql import SparkSession

from jobs.config import Lake, Settings, Source
from jobs.errors import ConfigError
from jobs.lake.concurrency import require_single_writer

ARBITER = "io.delta.storage.S3DynamoDBLogStore"
S3_KEY = "spark.delta.logStore.s3.impl"


@pytest.fixture
def started_with(spark: SparkSession) -> Iterator[dict[str, str]]:
    """The configuration that Spark was started with. A test adds options to it."""
    added: dict[str, str] = {}
    get_conf = spark.sparkContext.getConf

    def with_added() -> SparkConf:
        conf = get_conf()
        for key, value in added.items():
            conf.set(key, value)
        return conf

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spark.sparkContext, "getConf", with_added)
        yield added


@pytest.mark.parametrize("raw", ["/lake/raw", "file:///lake/raw", "hdfs://name/lake/raw"])
def test_local_disks_and_hdfs_arbitrate(spark: SparkSession, raw: str) -> None:
    """A command may commit there while the stream runs."""
    require_single_writer(spark, _lake(raw, "/lake/processed"), stopped=False)


@pytest.mark.parametrize(
    ("raw", "processed", "named"),
    [
        ("s3://b/raw", "s3://b/processed", "s3://b/raw"),
        ("s3a://b/raw", "/processed", "s3a://b/raw"),
        ("/raw", "s3://b/processed", "s3://b/processed"),
    ],
)
def test_s3_is_rejected_until_the_user_has_stopped_all_other_writers(
    spark: SparkSession, raw: str, processed: str, named: str
) -> None:
    """The error is one line with the path and both solutions."""
    settings = _lake(raw, processed)
    with pytest.raises(ConfigError) as rejected:
        require_single_writer(spark, settings, stopped=False)
    line = str(rejected.value)
    assert line.startswith(f"{named}: ")
    assert "--stopped" in line
    assert f"spark.delta.logStore.{named.partition(':')[0]}.impl={ARBITER}" in line
    assert "\n" not in line
    require_single_writer(spark, settings, stopped=True)


def test_the_arbiter_must_be_the_log_store_of_the_scheme(
    spark: SparkSession, started_with: dict[str, str]
) -> None:
    """Delta takes the log store of the path's scheme, and other log stores do not arbitrate."""
    settings = _lake("s3://b/raw", "s3://b/processed")
    for key, value in (
        ("spark.delta.logStore.s3a.impl", ARBITER),
        (S3_KEY, "io.delta.storage.S3SingleDriverLogStore"),
    ):
        started_with.clear()
        started_with[key] = value
        with pytest.raises(ConfigError, match="does not arbitrate"):
            require_single_writer(spark, settings, stopped=False)
    started_with[S3_KEY] = ARBITER
    require_single_writer(spark, settings, stopped=False)


def _lake(raw: str, processed: str) -> Settings:
    return Settings(
        source=Source(stream="unused"),
        lake=Lake(raw=raw, processed=processed, checkpoints="/checkpoints"),
    )
