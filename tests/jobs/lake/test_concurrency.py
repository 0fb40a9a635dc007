"""A lake on S3 has a lease, and a lake whose storage decides between two writers has none."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pyspark import SparkConf
from pyspark.sql import SparkSession

from jobs.config import Lake, Settings, Source
from jobs.errors import LakeError
from jobs.lake import NO_LEASE
from jobs.lake.concurrency import lease_of
from tests.support.servers import Server

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
def test_local_disks_and_hdfs_need_no_lease(spark: SparkSession, raw: str) -> None:
    with lease_of(spark, _lake(raw, "/lake/processed"), "stream") as lease:
        assert lease is NO_LEASE


@pytest.mark.parametrize(
    ("raw", "processed", "bucket"),
    [
        ("s3://raw", "s3://processed/a", "raw"),
        ("s3a://raw/", "/processed", "raw"),
        ("/raw", "s3://processed", "processed"),
    ],
)
def test_on_s3_the_lease_is_an_object_of_the_first_zone_there(
    spark: SparkSession, server: Server, raw: str, processed: str, bucket: str
) -> None:
    client = server.client("s3")
    client.delete_object(Bucket=bucket, Key="_lease.json")
    with lease_of(spark, _lake(raw, processed, server.url), "stream") as lease, lease.held():
        lease.require()
        stored = client.get_object(Bucket=bucket, Key="_lease.json")["Body"].read().decode()
        assert '"command": "stream"' in stored
    assert (
        '"holder": null'
        in client.get_object(Bucket=bucket, Key="_lease.json")["Body"].read().decode()
    ), "it is given back"


def test_the_arbiter_must_be_the_log_store_of_the_scheme(
    spark: SparkSession, server: Server, started_with: dict[str, str]
) -> None:
    """Delta takes the log store of the path's scheme, and other log stores do not arbitrate."""
    settings = _lake("s3://raw/b", "s3://processed/b", server.url)
    for key, value in (
        ("spark.delta.logStore.s3a.impl", ARBITER),
        (S3_KEY, "io.delta.storage.S3SingleDriverLogStore"),
    ):
        started_with.clear()
        started_with[key] = value
        with lease_of(spark, settings, "stream") as lease:
            assert lease is not NO_LEASE
    started_with[S3_KEY] = ARBITER
    with lease_of(spark, settings, "stream") as lease:
        assert lease is NO_LEASE


def test_the_user_can_take_the_responsibility(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says it at each start."""
    settings = _lake("s3://nowhere", "s3://nowhere/else")
    trusting = replace(settings, lake=replace(settings.lake, lease=False))
    with lease_of(spark, trusting, "stream") as lease:
        assert lease is NO_LEASE
    assert "nothing else may write this lake now" in caplog.text


def test_a_missing_bucket_is_named(spark: SparkSession, server: Server) -> None:
    settings = _lake("s3://nowhere/raw", "s3://processed", server.url)
    with (
        pytest.raises(LakeError, match=r"s3://nowhere/raw/_lease\.json: .*NoSuchBucket"),
        lease_of(spark, settings, "stream"),
    ):
        raise AssertionError("it has a lease")


def _lake(raw: str, processed: str, url: str = "") -> Settings:
    return Settings(
        source=Source(stream="unused"),
        lake=Lake(raw=raw, processed=processed, checkpoints="/checkpoints", s3_endpoint_url=url),
    )
