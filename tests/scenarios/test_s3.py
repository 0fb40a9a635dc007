"""A lake whose tables and checkpoints are on S3, through S3A."""

import json
import time
from collections.abc import Iterator

import boto3
import pytest
from pyspark.sql import SparkSession

from jobs.config import Lake, Query, Settings, Source
from jobs.errors import LakeError
from jobs.streaming import Run
from tests.support.commands import STREAM, run, settings
from tests.support.faulty_lake import read_through_s3a
from tests.support.servers import Server, moto_server

BUCKET = "lake"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with moto_server() as server:
        boto3.client("s3", endpoint_url=server.url, region_name="us-east-1").create_bucket(
            Bucket=BUCKET
        )
        kinesis = server.client()
        kinesis.create_stream(StreamName=STREAM, ShardCount=2)
        now = int(time.time())
        for number in range(200):
            created_at = now if number % 2 else now - 86_400
            body = {"event_uuid": f"e{number}", "event_name": "a:b", "created_at": created_at}
            data = b"no json" if number % 20 == 0 else json.dumps(body).encode()
            kinesis.put_record(StreamName=STREAM, Data=data, PartitionKey=str(number))
        yield server


def test_stream_and_audit_work_on_s3(server: Server) -> None:
    """The stream is read, and the audit is clean."""
    options = settings(server, f"s3://{BUCKET}", f"lake.s3_endpoint_url={server.url}")
    done = run("stream", "--once", *options)
    assert done.returncode == 0, done.stderr
    audit = run("audit", "--drained", "--json", *options)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    listed = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1").list_objects_v2(
        Bucket=BUCKET, Prefix="processed/events/event_name=a%3Ab/"
    )
    assert listed["KeyCount"] >= 2


def test_a_missing_bucket_is_named_in_one_line(spark: SparkSession, server: Server) -> None:
    """The line names the bucket and the cause."""
    read_through_s3a(spark, server)
    nowhere = Settings(
        source=Source(stream=STREAM, endpoint_url=server.url),
        lake=Lake(
            raw="s3://nowhere/raw",
            processed="s3://nowhere/processed",
            checkpoints="s3://nowhere/checkpoints",
            s3_endpoint_url=server.url,
        ),
    )
    with pytest.raises(LakeError, match="a bucket of the lake does not exist") as ended:
        Run(nowhere, available_now=True).start([Query.INGEST])
    assert "s3://nowhere/raw/records" in str(ended.value)
    assert "\n" not in str(ended.value)
