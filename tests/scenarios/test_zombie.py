"""A driver that continues although another driver has replaced it."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Query, Source
from jobs.errors import FencedError
from jobs.lake import Table, run_progress
from jobs.streaming import Run
from tests.support.commands import STREAM, Running, settings
from tests.support.servers import Server, fake_kinesis
from tests.support.small_lake import SmallLake, event, settings_in
from tests.support.waiting import wait_until

COPIED, SAME = "copied checkpoint", "same checkpoint"
MORE = pytest.mark.slice("programs")


@pytest.mark.parametrize(
    "is_copy", [pytest.param(True, id=COPIED), pytest.param(False, id=SAME, marks=MORE)]
)
def test_the_later_driver_of_process_continues_and_the_earlier_one_ends(
    spark: SparkSession, tmp_path: Path, is_copy: bool, tried: Callable[[str, int], None]
) -> None:
    """Both would process the same records, and the tables are still exact. The earlier driver ends
    with one line; with `--verbose` it also prints the stack trace."""
    now = int(time.time())
    lake = SmallLake(spark, settings_in(tmp_path))
    lake.put(*(event(f"a{number}", now) for number in range(20)))
    verbose = ["--verbose"] if is_copy else []
    with Running("process", *_options(tmp_path, "checkpoints"), *verbose) as earlier:
        earlier.wait_for("query=process batch=")
        folder = "copy" if is_copy else "checkpoints"
        if is_copy:
            shutil.copytree(tmp_path / "checkpoints", tmp_path / folder)

        with Running("process", *_options(tmp_path, folder)) as later:
            lake.put(*(event(f"b{number}", now) for number in range(20)), b"not json")
            _wait_for_run(1, spark, lake.tables.events, later)
            lake.put(*(event(f"c{number}", now) for number in range(20)))
            code, log = earlier.end()
            later.terminate()
    _drain(lake, f"{tmp_path}/{folder}")

    assert code == FencedError.exit_code, log
    assert "fenced by run 1" in log or "another run" in log, log
    stacks = [line for line in log.splitlines() if "Traceback" in line or line.startswith("\tat ")]
    assert bool(stacks) == bool(verbose), log
    assert lake.stored() == sorted(f"{batch}{number}" for batch in "abc" for number in range(20))
    assert verify_tables(spark, lake.tables).is_clean
    tried("zombie drivers", 1)
    tried("records", 61)


@pytest.mark.parametrize(
    "is_copy", [pytest.param(True, id=COPIED, marks=MORE), pytest.param(False, id=SAME)]
)
def test_the_later_driver_of_ingest_continues_and_the_earlier_one_ends(
    spark: SparkSession, tmp_path: Path, is_copy: bool, tried: Callable[[str, int], None]
) -> None:
    """Both would read the same records of the stream, and raw contains each record once."""
    put: list[bytes] = []
    raw = SmallLake(spark, settings_in(tmp_path)).tables.raw
    with fake_kinesis() as fake:
        fake.client().create_stream(StreamName=STREAM, ShardCount=2)

        def send() -> None:
            for _ in range(20):
                key = f"{len(put)}"
                put.append(f"record {key}".encode())
                fake.client().put_record(StreamName=STREAM, Data=put[-1], PartitionKey=key)

        def options(checkpoints: str) -> list[str]:
            return settings(fake, str(tmp_path), f"lake.checkpoints={tmp_path}/{checkpoints}")

        send()
        with Running("ingest", *options("checkpoints")) as earlier:
            earlier.wait_for("query=ingest batch=")
            folder = "copy" if is_copy else "checkpoints"
            if is_copy:
                shutil.copytree(tmp_path / "checkpoints", tmp_path / folder)
            with Running("ingest", *options(folder)) as later:
                _wait_for_run(1, spark, raw, later, "ingest")
                send()
                code, log = earlier.end()
                later.terminate()
        send()
        drained = replace(
            settings_in(tmp_path), source=Source(stream=STREAM, endpoint_url=fake.url)
        )
        same_tables = replace(drained.lake, checkpoints=f"{tmp_path}/{folder}")
        Run(replace(drained, lake=same_tables), available_now=True).start([Query.INGEST])

    assert code == FencedError.exit_code, log
    assert "fenced by run 1" in log or "another run" in log, log
    stored = sorted(bytes(row.data) for row in raw.read(spark).collect())
    assert stored == sorted(put)
    tried("zombie drivers", 1)
    tried("records", len(put))


def _wait_for_run(
    number: int, spark: SparkSession, table: Table, driver: Running, query: str = "process"
) -> None:
    """Wait until the driver has fenced the table."""
    wait_until(
        lambda: driver.has_ended or run_progress(spark, table, query).run >= number,
        what=f"run {number} of {query}",
    )
    assert not driver.has_ended, driver.end()


def _drain(lake: SmallLake, checkpoints: str) -> None:
    same_tables = replace(lake.settings.lake, checkpoints=checkpoints)
    SmallLake(lake.spark, replace(lake.settings, lake=same_tables)).process()


def _options(folder: Path, checkpoints: str) -> list[str]:
    nowhere = Server("none", "http://127.0.0.1:9")  # `process` does not read the stream
    return settings(nowhere, str(folder), f"lake.checkpoints={folder}/{checkpoints}")
