"""S3 on loopback, with the buckets that the tests of this folder use."""

from collections.abc import Iterator

import pytest

from tests.support.servers import Server, moto_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with moto_server() as server:
        for bucket in ("lease", "raw", "processed"):
            server.client("s3").create_bucket(Bucket=bucket)
        yield server
