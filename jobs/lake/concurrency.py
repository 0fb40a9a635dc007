"""Which lakes need a lease, and the lease of a command.

Local disk and HDFS let one of two commits of the same version win; the other one is retried after
it. S3 alone lets both succeed, and one commit is lost. A lease makes S3 safe, and so does Delta's
log store on DynamoDB.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from pyspark.sql import SparkSession

from jobs.config import Settings
from jobs.errors import LakeError
from jobs.lake.conditional_object import (
    ConditionalObject,
    StoreError,
    require_conditional_writes,
)
from jobs.lake.lease import NO_LEASE, AnyLease, Lease
from jobs.lake.lease_keeper import keep_lease
from jobs.lake.lease_record import Program

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SCHEMES_WITHOUT_ARBITER = ("s3", "s3a", "s3n")
_ARBITER = "io.delta.storage.S3DynamoDBLogStore"
_NAME = "_lease.json"
# Of the duration of the lease: the time that one request may take.
_REQUEST = 1 / 8
_ATTEMPTS_AT_THE_START = 3

log = logging.getLogger(__name__)


@contextmanager
def lease_of(spark: SparkSession, settings: Settings, command: str) -> Iterator[AnyLease]:
    """The lease of the lake for `command`. It is taken when a block of `held` begins.

    Raises:
        ConfigError: the store does not honour conditional writes.
        LakeError: S3 refuses, or the lease was lost during a commit.
    """
    zone = _zone_without_arbiter(spark, settings)
    if zone is None or not settings.lake.lease:
        if zone is not None:
            log.warning("lease=none: lake.lease is false, so nothing else may write this lake now")
        yield NO_LEASE
        return
    address = urlsplit(zone)
    folder = address.path.strip("/")

    def make(name: str, attempts: int = _ATTEMPTS_AT_THE_START) -> ConditionalObject:
        key = f"{folder}/{name}" if folder else name
        return ConditionalObject(partial(_connect, settings, attempts), address.netloc, key)

    try:
        if make(_NAME).read() is None:
            require_conditional_writes(partial(make, attempts=1))
    except StoreError as error:
        raise LakeError(str(error)) from error
    # Each step of the lease makes one attempt, and the next step is the next attempt.
    lease = Lease(make(_NAME, attempts=1), Program.this(command), settings.lake.lease_duration)
    with keep_lease(lease, partial(_halt, spark)) as kept:
        yield kept


def _zone_without_arbiter(spark: SparkSession, settings: Settings) -> str | None:
    """The first zone that is on S3 and whose log store does not decide between two writers."""
    # Delta takes the log store from the configuration that Spark was started with, by the scheme of
    # the table's path. A setting that is made later, or for another scheme, protects nothing.
    started_with = dict(spark.sparkContext.getConf().getAll())
    for zone in (settings.lake.raw, settings.lake.processed):
        scheme = zone.partition("://")[0] if "://" in zone else ""
        log_store = started_with.get(f"spark.delta.logStore.{scheme}.impl")
        if scheme in _SCHEMES_WITHOUT_ARBITER and log_store != _ARBITER:
            return zone
    return None


def _connect(settings: Settings, attempts: int) -> "S3Client":
    timeout = settings.lake.lease_duration.total_seconds() * _REQUEST
    return boto3.Session().client(
        "s3",
        region_name=settings.source.region or None,
        endpoint_url=settings.lake.s3_endpoint_url or None,
        config=Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            connect_timeout=timeout,
            read_timeout=timeout,
            s3={"addressing_style": "path"} if settings.lake.s3_endpoint_url else {},
        ),
    )


def _halt(spark: SparkSession) -> None:
    """End the driver's Java process at once. Only this surely ends a commit that is under way."""
    assert spark._jvm is not None
    spark._jvm.java.lang.Runtime.getRuntime().halt(1)
