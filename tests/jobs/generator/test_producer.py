"""The producer: full calls, retries of refused records, and errors with an action."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from jobs.config import Source
from jobs.errors import SourceError
from jobs.generator.producer import Producer, batches
from jobs.generator.traffic import Record
from tests.support.kinesis.errors import answered
from tests.support.servers import FakeKinesis, fake_kinesis


def record(name: str, size: int = 1) -> Record:
    return Record(partition_key=name, data=b"x" * size, sort="event")


def test_a_call_has_at_most_500_records() -> None:
    cut = list(batches(record("k") for _ in range(1100)))
    assert [len(batch) for batch in cut] == [500, 500, 100]


def test_a_call_has_at_most_5_mib_of_data_and_keys() -> None:
    """Kinesis counts the partition keys too."""
    mib = 1024 * 1024
    fits = [record("k" * 10, mib - 10) for _ in range(5)]
    assert [len(batch) for batch in batches([*fits, record("", 1)])] == [5, 1]


class RefusingStream:
    """Refuses the records of `refused` in the first call that has them."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.calls: list[list[str]] = []

    def put_records(self, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        keys = [each["PartitionKey"] for each in Records]
        self.calls.append(keys)
        results = [
            {"ErrorCode": "ProvisionedThroughputExceededException"} if key in self.refused else {}
            for key in keys
        ]
        self.refused -= set(keys)
        return {"Records": results}


def test_only_refused_records_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """If all records were sent again, the others would be on the stream twice."""
    stream = RefusingStream("b", "d")
    waits: list[float] = []
    monkeypatch.setattr("jobs.generator.producer.make_api", lambda _: (stream, None))
    producer = Producer(Source(stream="s"), sleep=waits.append)
    producer.put([record(name) for name in "abcde"])
    assert stream.calls == [["a", "b", "c", "d", "e"], ["b", "d"]]
    assert len(waits) == 1


class ForbiddenStream:
    """Denies every call."""

    def put_records(self, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        raise answered("AccessDeniedException")


def test_a_missing_permission_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.generator.producer.make_api", lambda _: (ForbiddenStream(), None))
    producer = Producer(Source(stream="s"), sleep=lambda seconds: None)
    with pytest.raises(SourceError, match=r"^no permission to write to stream 's'; allow kinesis:"):
        producer.put([record("a")])


@pytest.fixture(scope="module")
def server() -> Iterator[FakeKinesis]:
    with fake_kinesis() as running:
        yield running


def producer_on(server: FakeKinesis, stream: str) -> Producer:
    return Producer(Source(stream=stream, endpoint_url=server.url))


def test_a_stream_is_created_once(server: FakeKinesis) -> None:
    """A stream that exists stays as it is."""
    producer_on(server, "created").create_stream(2)
    producer_on(server, "created").create_stream(3)
    shards = server.client().list_shards(StreamName="created")["Shards"]
    assert len(shards) == 2


def test_the_error_of_a_missing_stream_has_an_action(server: FakeKinesis) -> None:
    expected = r"no stream 'absent' in us-east-1; .*create it with --create-stream SHARDS"
    with pytest.raises(SourceError, match=expected):
        producer_on(server, "absent").put([record("a")])
