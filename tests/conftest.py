"""One SparkSession for all tests of a process, with the options of the jobs."""

import os
from collections import Counter
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from pyspark.sql import SparkSession

from jobs.config import Lake, Settings, Source
from jobs.runtime import session_options

# Spark's workers inherit the environment of its JVM, so it is set here, before any test. No test
# may find the credentials of the user who runs it.
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)
for variable in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
    os.environ.pop(variable, None)
# Code of a test runs once or twice. The fast compiler is enough for it, in each JVM that a test
# starts: the time of the optimizing one would be lost.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m")

# The maintenance of a state store continues after the end of its query, until the JVM ends. It
# would write into the folder of a checkpoint that a test has moved away.
_NO_MAINTENANCE = "--conf spark.sql.streaming.stateStore.maintenanceInterval=1d"
_SUBMIT_ARGUMENTS = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
if _NO_MAINTENANCE not in _SUBMIT_ARGUMENTS:
    os.environ["PYSPARK_SUBMIT_ARGS"] = f"{_NO_MAINTENANCE} {_SUBMIT_ARGUMENTS}"

pytest_plugins = ["tests.slices"]

# There is no deadline for one example: it may take long on a busy machine.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")


_TRIED = "tried: "


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Count what a test has tried, for example `tried("kills", 3)`, before it compared the tables.

    The sums over all passed tests are printed at the end.
    """
    return lambda what, count: record_property(f"{_TRIED}{what}", count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, count in report.user_properties:
            if report.when == "call" and name.startswith(_TRIED):
                sums[name.removeprefix(_TRIED)] += count
    if sums:
        line = ", ".join(f"{count:,} {what}" for what, count in sorted(sums.items()))
        terminalreporter.section("tried, and nothing was lost or stored twice")
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    settings = Settings(
        source=Source(stream="unused"),
        lake=Lake(raw="raw", processed="processed", checkpoints="checkpoints"),
    )
    options: dict[str, bool | float | int | str | None] = {**session_options(settings)}
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.warehouse.dir", "/tmp/event-lake-tests-warehouse")
        # VACUUM may delete files that were replaced a minute ago.
        .config("spark.databricks.delta.retentionDurationCheck.enabled", "false")
        .config(map=options)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
