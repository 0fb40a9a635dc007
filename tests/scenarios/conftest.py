"""The server that lets a driver die at a point of its work."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server, deadly_moto


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Kinesis and S3 on loopback, which kill their client where a test says so."""
    with deadly_moto() as server:
        yield server
