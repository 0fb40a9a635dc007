"""A lake whose tables and checkpoints are on S3, through S3A."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any

import boto3
import pytest
from pyspark.sql import SparkSession

from jobs.config import Query, Settings, Source
from jobs.errors import LakeError
from jobs.metrics import Batch
from jobs.streaming import Run
from tests.support.commands import STREAM, run, settings
from tests.support.faulty_lake import lake_on_s3, read_through_s3a
from tests.support.servers import Server, moto_server
from tests.support.waiting import wait_until

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


def test_stream_rebuild_and_audit_work_on_s3(server: Server) -> None:
    """The stream is read, a rebuild gets the lease after it, and the audit is clean."""
    options = settings(server, f"s3://{BUCKET}", f"lake.s3_endpoint_url={server.url}")
    done = run("stream", "--once", *options)
    assert done.returncode == 0, done.stderr
    rebuilt = run("rebuild", "--from", "2020-01-01", "--to", "2099-12-31", *options)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "lease=held" in rebuilt.stderr
    audit = run("audit", "--drained", "--json", *options)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    listed = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1").list_objects_v2(
        Bucket=BUCKET, Prefix="processed/events/event_name=a%3Ab/"
    )
    assert listed["KeyCount"] >= 2


def test_a_stream_that_waits_for_the_lease_of_another_program_can_be_stopped(
    spark: SparkSession, server: Server
) -> None:
    """Before its first commit, and before a batch. It ends without an error."""
    read_through_s3a(spark, server)
    client = server.client("s3")
    path = f"s3://{BUCKET}/waiting"
    lake = Settings(
        source=Source(stream=STREAM, endpoint_url=server.url),
        lake=lake_on_s3(server, path, lease_duration=timedelta(seconds=60)),
    )
    holder = {"identifier": "other", "command": "rebuild", "host": "far away", "pid": 1}
    other = {"version": 1, "epoch": 9, "renewal": 0, "request": 0, "duration": 10_000.0} | {
        "holder": holder,
        "asking": [],
    }

    def lease() -> dict[str, Any]:
        stored = client.get_object(Bucket=BUCKET, Key="waiting/raw/_lease.json")
        found: dict[str, Any] = json.loads(stored["Body"].read())
        return found

    def write(record: dict[str, Any]) -> None:
        client.put_object(Bucket=BUCKET, Key="waiting/raw/_lease.json", Body=json.dumps(record))

    def stop_when_it_asks(run: Run, thread: Thread) -> None:
        wait_until(lambda: lease()["asking"] != [], what="the request", seconds=120)
        run.stop()
        thread.join(120)
        assert not thread.is_alive()

    write(other)
    run = Run(lake, available_now=True)
    with raised_later(lambda: run.start([Query.INGEST])) as thread:
        stop_when_it_asks(run, thread)
    assert lease() == other | {"request": 2}

    client.delete_object(Bucket=BUCKET, Key="waiting/raw/_lease.json")
    batches: list[Batch] = []
    run = Run(lake, available_now=False, on_batch=batches.append)
    with raised_later(lambda: run.start([Query.INGEST])) as thread:
        wait_until(lambda: bool(batches), what="a batch", seconds=120)
        write(lease() | {"asking": [holder]})
        wait_until(lambda: lease()["holder"] == holder, what="the handover", seconds=120)
        server.client().put_record(StreamName=STREAM, Data=b"x", PartitionKey="x")
        stop_when_it_asks(run, thread)


@contextmanager
def raised_later(action: Callable[[], None]) -> Iterator[Thread]:
    """Run `action` on a thread during the block, and raise its error after the block."""
    errors: list[Exception] = []

    def run() -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    thread = Thread(target=run)
    thread.start()
    yield thread
    thread.join(120)
    for error in errors:
        raise error


def test_a_missing_bucket_is_named_in_one_line(spark: SparkSession, server: Server) -> None:
    """The line names the bucket and the cause."""
    read_through_s3a(spark, server)
    nowhere = Settings(
        source=Source(stream=STREAM, endpoint_url=server.url),
        lake=lake_on_s3(server, "s3://nowhere"),
    )
    with pytest.raises(LakeError, match="a bucket of the lake does not exist") as ended:
        Run(nowhere, available_now=True).start([Query.INGEST])
    assert "s3://nowhere/raw/_lease.json" in str(ended.value)
    assert "\n" not in str(ended.value)
