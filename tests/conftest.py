"""One SparkSession for the whole test session, built as the jobs build theirs."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from pyspark.sql import SparkSession

from jobs.config.settings import Lake, Settings, Source
from jobs.runtime import session

# Spark's workers get the environment that its JVM was started with, so it stands here, before any
# test. No test may find the credentials of whoever runs it.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)
for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(variable, None)
# What Spark runs in tests runs once or twice: the quick compiler alone, for every JVM that a test
# starts, for the slow one never gets its time back.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m")

# The upkeep of a query's state goes on behind the query's end, as long as its JVM: it would write
# where a test has moved a checkpoint away. Elsewhere the process ends with its queries.
_NO_UPKEEP = "--conf spark.sql.streaming.stateStore.maintenanceInterval=1d"
_GIVEN = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
if _NO_UPKEEP not in _GIVEN:
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{_NO_UPKEEP} {_GIVEN}"

# Tests say nothing of time: a busy machine may take long over one case.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process waits for another's long file."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Where CI would be cut off on a slow machine, the last slow tests give way to the rest."""
    until = float(os.environ.get("EVENT_LAKE_SLOW_TESTS_UNTIL", "inf"))
    if item.get_closest_marker("slow") and time.time() > until:
        pytest.skip("a slow test, for which CI has no time left")


_TRIED = "tried: "


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Count what a test that holds tables against what was put has tried: `tried("kills", 3)`.

    The sums of all tests that passed are printed at the end.
    """
    return lambda what, count: record_property(f"{_TRIED}{what}", count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, count in report.user_properties:
            if report.when == "call" and name.startswith(_TRIED):
                sums[name.removeprefix(_TRIED)] += count
    if sums:
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(sums.items()))
        terminalreporter.section("tried, and nothing was lost or stored twice")
        terminalreporter.write_line(told)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    settings = Settings(
        source=Source(stream="unused"),
        lake=Lake(raw="raw", processed="processed", checkpoints="checkpoints"),
    )
    built = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.warehouse.dir", "/tmp/event-lake-tests-warehouse")
        # VACUUM may delete what was replaced a minute ago.
        .config("spark.databricks.delta.retentionDurationCheck.enabled", "false")
        .config(map=session.options(settings))
        .getOrCreate()
    )
    built.sparkContext.setLogLevel("ERROR")
    yield built
    built.stop()
