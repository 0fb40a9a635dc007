"""The session of the scenarios, and the server that ends a driver at a chosen request."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.support.interpreted import interpreted
from tests.support.servers import Server, deadly_moto


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Kinesis and S3 on loopback, on a server that ends its client at a chosen request."""
    with deadly_moto() as server:
        yield server


@pytest.fixture(scope="module")
def spark(spark: SparkSession) -> Iterator[SparkSession]:
    """The session of all tests, without generated code."""
    with interpreted(spark) as session:
        yield session
