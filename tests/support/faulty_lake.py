"""A lake on a server that can kill the driver. It is fed with generated events, and its tables are
compared with the oracle."""

import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice

from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.audit import verify_tables
from jobs.config import Lake
from jobs.generator import Mix, records
from jobs.lake import Table, Tables, tables_of
from tests.support.commands import Running, run, settings
from tests.support.oracle import expected
from tests.support.servers import Server
from tests.support.servers.server import REGION
from tests.support.waiting import wait_until

STREAM_ONCE = ("stream", "--once")
MIX = Mix(names=1, duplicates=0.2, late=0.1, broken=0.1, seed=7)


class FaultyLake:
    """One stream, one lake below `s3://{bucket}`, and all records that were put so far."""

    def __init__(self, spark: SparkSession, server: Server, bucket: str, stream: str) -> None:
        self._spark, self._server, self._stream = spark, server, stream
        self._put: list[bytes] = []
        self._traffic = records(MIX, lambda: time.time_ns() // 1_000_000)
        path = f"s3://{bucket}"
        self.tables = _tables(path)
        self._settings = settings(
            server, path, f"source.stream={stream}", f"lake.s3_endpoint_url={server.url}"
        )
        server.client("s3").create_bucket(Bucket=bucket)
        server.client().create_stream(StreamName=stream, ShardCount=2)
        _read_through_s3a(spark, server)

    @property
    def records_put(self) -> int:
        """The number of records that were put."""
        return len(self._put)

    def put(self, count: int) -> None:
        """Put the next generated records: new events, duplicates, late events, broken records."""
        for record in islice(self._traffic, count):
            self.put_record(record.data, record.partition_key)

    def put_record(self, data: bytes, partition_key: str) -> None:
        """Put one record."""
        self._server.client().put_record(
            StreamName=self._stream, Data=data, PartitionKey=partition_key
        )
        self._put.append(data)

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
        with Running(*command, *self._settings) as driver:
            self._control("/_kill/client", {"pid": driver.pid})
            code, log = driver.end()
        request = self._stopped_at()
        assert code == (-9 if request else 0), f"it ended with {code}:\n{log[-3000:]}"
        return request

    def run_beside(
        self, beside: Callable[[], None], *steps: str, killed: bool, command: Sequence[str]
    ) -> None:
        """Hold the driver after the last of `steps` while `beside` runs; then kill it, or let it
        come to its end."""
        self._control("/_kill", {"steps": steps, "applied": True})
        with Running(*command, *self._settings) as driver:
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

    def drain(self) -> None:
        """Start the driver again, and let it end by itself."""
        self.run(*STREAM_ONCE)

    def run(self, *command: str) -> str:
        """Run a command to its end, which must be without error. Return what it printed."""
        self._control("/_kill", {"steps": [], "applied": False})
        done = run(*command, *self._settings)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def keep_deleted_files(self, seconds: int) -> None:
        """Let VACUUM delete files of raw and events that were replaced longer ago than this."""
        for table in (self.tables.raw, self.tables.events):
            self._spark.sql(
                f"ALTER TABLE delta.`{table.path}` SET TBLPROPERTIES "
                f"('delta.deletedFileRetentionDuration' = 'interval {seconds} seconds')"
            )

    def optimize(self, *tables: Table) -> None:
        """Rewrite the small files of `tables` as larger ones."""
        for table in tables:
            DeltaTable.forPath(self._spark, table.path).optimize().executeCompaction()

    def vacuum(self, table: Table) -> int:
        """Delete the files that `table` does not need any more. Return their number."""
        before = self._files(table)
        DeltaTable.forPath(self._spark, table.path).vacuum()
        return before - self._files(table)

    def assert_exact(self) -> None:
        """Check that the audit is clean, and that each table has exactly the rows of the oracle."""
        report = verify_tables(self._spark, self.tables)
        assert report.is_clean, "\n".join(report.lines())
        wanted = expected(self._put, datetime.now(UTC))
        assert self._bytes_of(self.tables.raw) == wanted.raw
        assert self._bytes_of(self.tables.quarantine) == wanted.quarantine
        events = self.tables.events.read(self._spark).select(
            "event_uuid", F.unix_micros("created_at"), F.col("payload").cast("binary")
        )
        stored = [((row[0], row[1]), bytes(row[2])) for row in events.collect()]
        assert Counter(identity for identity, _ in stored) == dict.fromkeys(wanted.events, 1)
        assert all(payload in wanted.events[identity] for identity, payload in stored)

    def _bytes_of(self, table: Table) -> Counter[bytes]:
        rows = table.read(self._spark).select("data").collect()
        return Counter(bytes(row[0]) for row in rows)

    def _files(self, table: Table) -> int:
        bucket, _, prefix = table.path.removeprefix("s3://").partition("/")
        pages = self._server.client("s3").get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=bucket, Prefix=f"{prefix}/")
        keys = (found["Key"] for page in listed for found in page.get("Contents", ()))
        return sum(key.endswith(".parquet") and "/_delta_log/" not in key for key in keys)

    def _stopped_at(self) -> str | None:
        request = self._control("/_kill")
        return None if request is None else str(request)

    def _control(self, path: str, body: dict[str, object] | None = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self._server.url}{path}", data, timeout=60) as reply:
            return json.load(reply)


def _tables(path: str) -> Tables:
    return tables_of(Lake(raw=f"{path}/raw", processed=f"{path}/processed", checkpoints="unused"))


def _read_through_s3a(spark: SparkSession, server: Server) -> None:
    """Let the session of the tests read the lake."""
    for key, value in {
        "fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "fs.s3a.endpoint": server.url,
        "fs.s3a.endpoint.region": REGION,
        "fs.s3a.path.style.access": "true",
        "fs.s3a.connection.ssl.enabled": "false",
    }.items():
        spark.conf.set(key, value)
