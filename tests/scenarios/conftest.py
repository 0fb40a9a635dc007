"""The session of the scenarios, and the server that ends a driver at a chosen request."""

from collections.abc import Iterator

import pytest

from tests.support.interpreted import interpreted_spark
from tests.support.servers import Server, deadly_moto

__all__ = ["interpreted_spark", "server"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Kinesis and S3 on loopback, on a server that ends its client at a chosen request."""
    with deadly_moto() as server:
        yield server
