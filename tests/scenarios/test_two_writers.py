"""Programs that write one lake on S3 at the same time: the lease lets one of them commit at a time.

stream ─── running ────────────── SIGKILL ─── SIGSTOP, SIGCONT ───
replay, rebuild, maintain ─── beside it, one after the other ─────
"""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from tests.support.commands import Running
from tests.support.faulty_lake import FaultyLake
from tests.support.servers import Server
from tests.support.small_lake import event

# Short, so that the lease of a program that is killed or stopped expires soon
DURATION = ("--set", "lake.lease_duration=6 seconds")
DATES = ("--from", "2020-01-01", "--to", "2099-12-31")
# Each rebuild changes all rows that it finds, and the replay appends records to raw.
REBUILD = ("rebuild", *DATES, "--set", "events.subtype=rest")
REBUILD_BACK = ("rebuild", *DATES)
REPLAY = ("replay", "--set", "checks.event_name_pattern=.*")
MAINTAIN = ("maintain", "--rewrite-int96")
MAX_SECONDS = 300

pytestmark = [pytest.mark.slice("two-writers"), pytest.mark.timeout(1500)]


class Traffic:
    """Records that are put all the time: valid ones, and ones whose name only `REPLAY` accepts."""

    def __init__(self, lake: FaultyLake) -> None:
        self._lake = lake
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._put)
        self.uuids: set[str] = set()
        self.records = 0

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self._thread.join(MAX_SECONDS)

    def _put(self) -> None:
        while not self._ending.wait(0.5):
            number = self.records
            old = int(time.time()) - 3600  # `replay` leaves out what is younger than the window
            valid = [f"e{number + n}" for n in range(10)]
            data = [event(uuid, old, "lesson:quiz:started") for uuid in valid]
            data.append(event(f"r{number}", old, "not a name"))
            self._lake.put_records((each, str(number)) for each in data)
            self.uuids |= set(valid)
            self.records += len(data)


def test_no_commit_is_lost_beside_a_stream_that_is_killed_and_stopped(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Every command comes to its end while the stream goes on, and after the stream has died."""
    lake = FaultyLake(spark, server, "shared", stream="shared")
    with Traffic(lake) as traffic:
        with _stream(lake) as stream:
            for command in (REPLAY, REBUILD, MAINTAIN, REBUILD_BACK):
                _run(lake, *command)
            assert not stream.has_ended
            handed_over = sum("lease=handed_over" in line for line in stream.lines)
            assert handed_over >= 3
            stream.kill()
        _run(lake, *REBUILD)  # it waits until the lease of the dead stream has expired

        with _stream(lake) as stream:
            os.killpg(stream.pid, signal.SIGSTOP)
            try:
                _run(lake, *REBUILD_BACK)
                _run(lake, *REPLAY)
            finally:
                os.killpg(stream.pid, signal.SIGCONT)
            # It was stopped between two batches and goes on, or within one and gives up.
            code, log = stream.terminate()
            assert code in (0, 6), log[-3000:]
    lake.stream()

    assert verify_tables(spark, lake.tables).is_clean
    stored = Counter(
        row[0] for row in lake.tables.events.read(spark).select("event_uuid").collect()
    )
    assert stored == dict.fromkeys(traffic.uuids, 1)
    raw = lake.tables.raw.read(spark)
    assert raw.where("attempt = 0").count() == traffic.records
    assert raw.where("attempt > 0").count() > 0
    tried("records", traffic.records)
    tried("commands beside a stream", 7)


@contextmanager
def _stream(lake: FaultyLake) -> Iterator[Running]:
    with Running("stream", *lake.options, *DURATION) as stream:
        stream.wait_for("query=process batch=", MAX_SECONDS)
        yield stream


def _run(lake: FaultyLake, *command: str) -> None:
    with Running(*command, *lake.options, *DURATION) as program:
        code, log = program.end()
    assert code == 0, log[-3000:]
