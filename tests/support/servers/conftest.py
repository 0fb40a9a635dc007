"""The fake Kinesis, with a stream of one shard, for the tests of the fake itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.servers.one_shard import STREAM


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        yield running


@pytest.fixture
def kinesis(fake: FakeKinesis) -> Any:
    """A client, and a stream of one shard."""
    client = fake.client()
    client.create_stream(StreamName=STREAM, ShardCount=1)
    return client
