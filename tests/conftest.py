"""One SparkSession for the whole test session, built as the jobs build theirs."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from jobs import session
from jobs.settings import Lake, Settings, Source


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    settings = Settings(
        source=Source(stream="unused"),
        lake=Lake(raw="unused", processed="unused", checkpoints="unused"),
    )
    built = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.warehouse.dir", "/tmp/event-lake-tests-warehouse")
        .config(map=session.options(settings))
        .getOrCreate()
    )
    built.sparkContext.setLogLevel("ERROR")
    yield built
    built.stop()
