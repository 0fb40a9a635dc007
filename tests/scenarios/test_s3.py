"""A lake whose tables and checkpoints are on S3, through S3A."""

import json
import time
from collections.abc import Iterator

import boto3
import pytest

from tests.support.commands import STREAM, run, settings
from tests.support.servers import Server, moto_server

pytestmark = pytest.mark.slow

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
    """The stream is read, the next start finds nothing new, and the audit is clean."""
    options = settings(server, f"s3://{BUCKET}", f"lake.s3_endpoint_url={server.url}")
    for _ in range(2):
        done = run("stream", "--once", *options)
        assert done.returncode == 0, done.stderr
    audit = run("audit", "--drained", "--json", *options)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    listed = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1").list_objects_v2(
        Bucket=BUCKET, Prefix="processed/events/event_name=a%3Ab/"
    )
    assert listed["KeyCount"] >= 2


def test_a_missing_bucket_is_named_in_one_line(server: Server) -> None:
    """The line names the bucket and the cause, and there is no stack trace."""
    options = settings(server, "s3://nowhere", f"lake.s3_endpoint_url={server.url}")
    done = run("stream", "--once", *options)
    assert done.returncode == 6
    [line] = [line for line in done.stderr.splitlines() if line.startswith("event-lake: ")]
    assert "s3://nowhere/raw/records" in line
    assert "a bucket of the lake does not exist" in line
    assert "Traceback" not in done.stderr
