"""The server that kills a driver at a chosen request."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server, deadly_moto


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Kinesis and S3 on loopback, on a server that kills its client at a chosen request."""
    with deadly_moto() as server:
        yield server
