"""Servers for the tests of the Kinesis source."""

from collections.abc import Iterator

import pytest

from tests.jobs.sources.numbered import STREAM
from tests.servers import FakeKinesis, fake_kinesis


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source finds credentials where boto3 looks for them; servers here take any."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def fake() -> Iterator[FakeKinesis]:
    """A fake Kinesis with a stream of two shards."""
    with fake_kinesis() as running:
        running.client().create_stream(StreamName=STREAM, ShardCount=2)
        yield running
