"""The server for the tests of the Kinesis source."""

from collections.abc import Iterator

import pytest

from tests.support.kinesis.numbered import STREAM
from tests.support.servers import FakeKinesis, fake_kinesis


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    """A fake Kinesis with a stream of two shards."""
    with fake_kinesis() as running:
        running.client().create_stream(StreamName=STREAM, ShardCount=2)
        yield running
