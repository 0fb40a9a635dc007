"""When a command may write beside a running stream."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs.config.settings import Lake, Settings, Source
from jobs.errors import ConfigError
from jobs.lake.concurrency import require_single_writer

ARBITER = "io.delta.storage.S3DynamoDBLogStore"
S3_KEY = "spark.delta.logStore.s3.impl"


@pytest.fixture
def started_with(spark: SparkSession) -> Iterator[dict[str, str]]:
    """Settings that Spark was started with: `getConf` answers a copy of these."""
    chosen: dict[str, str] = {}
    start = spark.sparkContext.getConf

    def with_chosen() -> object:
        conf = start()
        for key, value in chosen.items():
            conf.set(key, value)
        return conf

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spark.sparkContext, "getConf", with_chosen)
        yield chosen


@pytest.mark.parametrize("raw", ["/lake/raw", "file:///lake/raw", "hdfs://name/lake/raw"])
def test_disks_and_hdfs_arbitrate_by_themselves(spark: SparkSession, raw: str) -> None:
    """A stream may go on there."""
    require_single_writer(spark, _lake(raw, "/lake/processed"), stopped=False)


@pytest.mark.parametrize(
    ("raw", "processed", "named"),
    [
        ("s3://b/raw", "s3://b/processed", "s3://b/raw"),
        ("s3a://b/raw", "/processed", "s3a://b/raw"),
        ("/raw", "s3://b/processed", "s3://b/processed"),
    ],
)
def test_s3_is_refused_until_the_user_says_that_all_else_stands_still(
    spark: SparkSession, raw: str, processed: str, named: str
) -> None:
    """One line names the place and both ways out."""
    settings = _lake(raw, processed)
    with pytest.raises(ConfigError) as refused:
        require_single_writer(spark, settings, stopped=False)
    line = str(refused.value)
    assert line.startswith(f"{named}: ")
    assert "--stopped" in line
    assert f"spark.delta.logStore.{named.partition(':')[0]}.impl={ARBITER}" in line
    assert "\n" not in line
    require_single_writer(spark, settings, stopped=True)


def test_a_log_store_that_arbitrates_must_be_that_of_the_paths_scheme(
    spark: SparkSession, started_with: dict[str, str]
) -> None:
    """Delta chooses by the scheme, and another log store is no arbiter."""
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
