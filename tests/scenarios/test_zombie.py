"""A driver that goes on though another one has taken its place."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.audit.verify import prove
from jobs.errors import LakeError
from jobs.lake.fencing import progress
from jobs.lake.tables import Table
from tests.support.commands import STREAM, Running, run, settings
from tests.support.servers import Server, fake_kinesis
from tests.support.small_lake import SmallLake, event, settings_in

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("is_copy", [True, False], ids=["copied checkpoint", "same checkpoint"])
def test_the_later_driver_goes_on_and_the_earlier_one_ends(
    spark: SparkSession, tmp_path: Path, is_copy: bool, tried: Callable[[str, int], None]
) -> None:
    """Both would take the same records; the tables come out exact all the same. The earlier one
    says so in one line, and shows a stack to those who ask for it."""
    now = int(time.time())
    lake = SmallLake(spark, settings_in(tmp_path))
    lake.put(*(event(f"a{number}", now) for number in range(20)))
    verbose = ["--verbose"] if is_copy else []
    with Running("process", *_given(tmp_path, "checkpoints"), *verbose) as earlier:
        earlier.wait_for("query=process ")
        place = "copy" if is_copy else "checkpoints"
        if is_copy:
            shutil.copytree(tmp_path / "checkpoints", tmp_path / place)

        with Running("process", *_given(tmp_path, place)) as later:
            lake.put(*(event(f"b{number}", now) for number in range(20)), b"not json")
            _wait_for_run(1, spark, lake.tables.events, later)
            lake.put(*(event(f"c{number}", now) for number in range(20)))
            code, said = earlier.end()
            later.terminate()
    _drain(lake, f"{tmp_path}/{place}")

    assert code == LakeError.exit_code, said
    assert "another run" in said
    stacks = [line for line in said.splitlines() if "Traceback" in line or line.startswith("\tat ")]
    assert bool(stacks) == bool(verbose), said
    assert lake.stored() == sorted(f"{batch}{number}" for batch in "abc" for number in range(20))
    assert prove(spark, lake.tables).is_clean
    tried("zombie drivers", 1)
    tried("records", 61)


@pytest.mark.parametrize("is_copy", [True, False], ids=["copied checkpoint", "same checkpoint"])
def test_the_later_driver_of_ingest_goes_on_and_the_earlier_one_ends(
    spark: SparkSession, tmp_path: Path, is_copy: bool, tried: Callable[[str, int], None]
) -> None:
    """Both would read the same records of the stream; raw has each once."""
    put: list[bytes] = []
    raw = SmallLake(spark, settings_in(tmp_path)).tables.raw
    with fake_kinesis() as fake:
        fake.client().create_stream(StreamName=STREAM, ShardCount=2)

        def send() -> None:
            for _ in range(20):
                key = f"{len(put)}"
                put.append(f"record {key}".encode())
                fake.client().put_record(StreamName=STREAM, Data=put[-1], PartitionKey=key)

        def given(place: str) -> list[str]:
            return settings(fake, str(tmp_path), f"lake.checkpoints={tmp_path}/{place}")

        send()
        with Running("ingest", *given("checkpoints")) as earlier:
            earlier.wait_for("query=ingest batch=")
            place = "copy" if is_copy else "checkpoints"
            if is_copy:
                shutil.copytree(tmp_path / "checkpoints", tmp_path / place)
            with Running("ingest", *given(place)) as later:
                _wait_for_run(1, spark, raw, later, "ingest")
                send()
                code, said = earlier.end()
                later.terminate()
        send()
        done = run("ingest", "--once", *given(place))

    assert code != 0, said
    assert "another run" in said or "Concurrent update to the log" in said, said
    assert done.returncode == 0, done.stderr
    stored = sorted(bytes(row.data) for row in raw.read(spark).collect())
    assert stored == sorted(put)
    tried("zombie drivers", 1)
    tried("records", len(put))


def _wait_for_run(
    number: int, spark: SparkSession, table: Table, driver: Running, query: str = "process"
) -> None:
    """Until the driver has claimed the table."""
    while progress(spark, table, query).run < number:
        assert not driver.has_ended, driver.end()
        time.sleep(0.1)


def _drain(lake: SmallLake, checkpoints: str) -> None:
    place = replace(lake.settings.lake, checkpoints=checkpoints)
    SmallLake(lake.spark, replace(lake.settings, lake=place)).process()


def _given(folder: Path, checkpoints: str) -> list[str]:
    nowhere = Server("none", "http://127.0.0.1:9")  # `process` reads raw alone
    return settings(nowhere, str(folder), f"lake.checkpoints={folder}/{checkpoints}")
