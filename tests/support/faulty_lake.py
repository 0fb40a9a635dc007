"""A lake on a server that can kill the driver, or cut it off. It is fed with generated events, and
its tables are compared with the oracle.

The lease of a driver that died is deleted, as someone may do who knows that it is dead. Otherwise
each run after a death would wait until the lease has expired.
"""

import json
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs.config import Lake, Query, Settings, Source, format_duration
from jobs.errors import EventLakeError
from jobs.generator import Mix, records
from jobs.lake import Table, tables_of
from jobs.runtime import translated_spark_errors
from jobs.streaming import Run
from tests.support.commands import Running, settings
from tests.support.exactness import assert_exact
from tests.support.servers import Server
from tests.support.servers.server import REGION
from tests.support.small_lake import forget_tables
from tests.support.waiting import wait_until

STREAM_ONCE = ("stream", "--once")
MAX_RECORDS_OF_A_CALL = 500
# The session of the tests must never be halted, however slow the machine is.
LEASE_DURATION = timedelta(minutes=5)
MIX = Mix(names=1, duplicates=0.2, late=0.1, broken=0.1, seed=7)


class FaultyLake:
    """One stream, one lake below `s3://{bucket}`, and all records that were put so far."""

    def __init__(self, spark: SparkSession, server: Server, bucket: str, stream: str) -> None:
        self.spark = spark
        self._server, self._stream, self._bucket = server, stream, bucket
        self._put: list[bytes] = []
        self._traffic = records(MIX, lambda: time.time_ns() // 1_000_000)
        path = f"s3://{bucket}"
        self.settings = Settings(
            source=Source(stream=stream, endpoint_url=server.url),
            lake=lake_on_s3(server, path),
        )
        self.tables = tables_of(self.settings.lake)
        # The settings as options of a command
        self.options = settings(
            server,
            path,
            f"source.stream={stream}",
            f"lake.s3_endpoint_url={server.url}",
            f"lake.lease_duration={format_duration(LEASE_DURATION)}",
        )
        server.client("s3").create_bucket(Bucket=bucket)
        server.client().create_stream(StreamName=stream, ShardCount=2)
        read_through_s3a(spark, server)

    @property
    def records_put(self) -> int:
        """The number of records that were put."""
        return len(self._put)

    def put(self, count: int) -> None:
        """Put the next generated records: new events, duplicates, late events, broken records."""
        taken = islice(self._traffic, count)
        self.put_records((record.data, record.partition_key) for record in taken)

    def put_records(self, records: Iterable[tuple[bytes, str]]) -> None:
        """Put records: data and partition key each."""
        given = list(records)
        for first in range(0, len(given), MAX_RECORDS_OF_A_CALL):
            some = given[first : first + MAX_RECORDS_OF_A_CALL]
            entries = [{"Data": data, "PartitionKey": key} for data, key in some]
            self._server.client().put_records(StreamName=self._stream, Records=entries)
        self._put += [data for data, _ in given]

    @contextmanager
    def cut_off(self, *steps: str, applied: bool) -> Iterator[None]:
        """From the last of `steps` on, refuse every request of the run in the block.

        The run must end with an error. It leaves in the storage what a killed driver leaves.
        """
        self._control("/_kill", {"steps": steps, "applied": applied, "cuts_off": True})
        with pytest.raises(EventLakeError) as died, translated_spark_errors():
            yield
        assert self._stopped_at() is not None, f"it ended before it came to {steps}: {died.value}"
        # Nothing of it may write later, when the server answers again.
        assert self.spark.streams.active == []
        wait_until(lambda: not _running_tasks(self.spark), "end of all tasks", seconds=60)
        self._control("/_kill", {"steps": [], "applied": False})
        self._forget_lease()
        forget_tables(self.spark)

    def stream(self, by_rules: Settings | None = None) -> None:
        """Run `stream --once` in the session of the tests, perhaps with other settings."""
        with translated_spark_errors():
            run = Run(by_rules or self.settings, available_now=True)
            run.start([Query.INGEST, Query.PROCESS])

    def run_until_killed(
        self, *steps: str, applied: bool, command: Sequence[str] = STREAM_ONCE
    ) -> None:
        """Start the driver. The server kills it at the last of `steps`."""
        request = self.run_until(*steps, applied=applied, command=command)
        assert request is not None, f"the driver ended before it came to {steps}"

    def run_until(
        self, *steps: str, applied: bool, command: Sequence[str] = STREAM_ONCE
    ) -> str | None:
        """The same. Return the request at which the driver died; None if it came to its end."""
        self._control("/_kill", {"steps": steps, "applied": applied})
        with Running(*command, *self.options) as driver:
            self._control("/_kill/client", {"pid": driver.pid})
            code, log = driver.end()
        request = self._stopped_at()
        assert code == (-9 if request else 0), f"it ended with {code}:\n{log[-3000:]}"
        if request:
            self._forget_lease()
        return request

    def run_beside(
        self, beside: Callable[[], None], *steps: str, killed: bool, command: Sequence[str]
    ) -> None:
        """Hold the driver after the last of `steps` while `beside` runs; then kill it, or let it
        come to its end."""
        self._control("/_kill", {"steps": steps, "applied": True})
        with Running(*command, *self.options) as driver:
            wait_until(
                lambda: driver.has_ended or self._stopped_at() is not None,
                what=f"request {steps[-1]}",
                seconds=300,
            )
            assert not driver.has_ended, driver.end()
            beside()
            self._control("/_kill/client", {"pid": driver.pid if killed else None})
            code, log = driver.end()
        assert code == (-9 if killed else 0), f"it ended with {code}:\n{log[-3000:]}"
        if killed:
            self._forget_lease()

    def keep_deleted_files(self, seconds: int) -> None:
        """Let VACUUM delete files of raw and events that were replaced longer ago than this."""
        for table in (self.tables.raw, self.tables.events):
            self.spark.sql(
                f"ALTER TABLE delta.`{table.path}` SET TBLPROPERTIES "
                f"('delta.deletedFileRetentionDuration' = 'interval {seconds} seconds')"
            )

    def optimize(self, *tables: Table) -> None:
        """Rewrite the small files of `tables` as larger ones."""
        for table in tables:
            DeltaTable.forPath(self.spark, table.path).optimize().executeCompaction()

    def vacuum(self, table: Table) -> int:
        """Delete the files that `table` does not need any more. Return their number."""
        before = len(self._files(table))
        DeltaTable.forPath(self.spark, table.path).vacuum()
        return before - len(self._files(table))

    def assert_exact(self) -> None:
        """Check that the audit is clean, and that each table has exactly the rows of the oracle.

        Also check that no file that was refused was written later: its name is used only once.
        """
        assert_exact(self.spark, self.tables, self._put)
        refused: list[str] = self._control("/_kill")["refused"]
        for table in (self.tables.raw, self.tables.events, self.tables.quarantine):
            written = self._files(table)
            assert not [key for key in written if any(f"/{key}" in each for each in refused)]

    def _forget_lease(self) -> None:
        self._server.client("s3").delete_object(Bucket=self._bucket, Key="raw/_lease.json")

    def _files(self, table: Table) -> list[str]:
        """The keys of the data files of `table`."""
        bucket, _, prefix = table.path.removeprefix("s3://").partition("/")
        pages = self._server.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=bucket, Prefix=f"{prefix}/")
        keys = (found["Key"] for page in listed for found in page.get("Contents", ()))
        return [key for key in keys if key.endswith(".parquet") and "/_delta_log/" not in key]

    def _stopped_at(self) -> str | None:
        request = self._control("/_kill")["stopped_at"]
        return None if request is None else str(request)

    def _control(self, path: str, body: dict[str, object] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._server.url}{path}", data, timeout=60) as reply:
            return json.load(reply)


def _running_tasks(spark: SparkSession) -> int:
    """The number of tasks that run now. A task that was cancelled may run a little longer."""
    executors = spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()
    return sum(executor.numRunningTasks() for executor in executors)


def lake_on_s3(server: Server, path: str, lease_duration: timedelta = LEASE_DURATION) -> Lake:
    """The lake below `path`, an s3:// URI, on `server`."""
    return Lake(
        raw=f"{path}/raw",
        processed=f"{path}/processed",
        checkpoints=f"{path}/checkpoints",
        s3_endpoint_url=server.url,
        lease_duration=lease_duration,
    )


def read_through_s3a(spark: SparkSession, server: Server) -> None:
    """Let the session of the tests read the lake."""
    for key, value in {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": server.url,
        "fs.s3a.endpoint.region": REGION,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
    }.items():
        spark.conf.set(key, value)
