"""The Kinesis source reads every record once, in order, from three different servers.

`reading.Query` calls the source, without Spark. Only the fake server fails on request; see
`test_faults` and `test_loss_in_queries`.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager

import aws_kinesis_agg.aggregator
import pytest

from tests.support.kinesis.reading import Query, by_key, positions
from tests.support.kinesis.server_stream import Stream
from tests.support.servers import (
    Server,
    fake_kinesis,
    kinesis_local,
    missing_for_kinesis_local,
    moto_server,
)


@pytest.fixture(scope="module", params=["fake", "moto", "kinesis-local"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    launchers: dict[str, AbstractContextManager[Server]] = {
        "fake": fake_kinesis(),
        "moto": moto_server(),
        "kinesis-local": kinesis_local(),
    }
    missing = missing_for_kinesis_local() if request.param == "kinesis-local" else None
    if missing:
        pytest.skip(missing)
    with launchers[request.param] as running:
        yield running


def test_bytes_are_returned_unchanged(server: Server) -> None:
    """Empty, 1 MiB, text in any script, bytes that are not text, keys that are not ASCII."""
    stream = Stream(server, shards=2)
    stream.put(b"", key="empty")
    stream.put(bytes(range(256)) * 4096, key="1 MiB")
    stream.put(b"\xff\xfe\x00\x80", key="not UTF-8")
    stream.put("ĥ€𝄞".encode(), key="schlüssel €")
    stream.put(b'{"a": 1}\n', key="JSON")

    query = Query(server, stream.name)
    query.drain()

    assert by_key(query.rows) == stream.put_by_key
    assert len(positions(query.rows)) == 5


def test_reshards_lose_nothing_repeat_nothing_and_keep_the_order(server: Server) -> None:
    """A split, a merge and a new shard count, with records before, between and after them."""
    stream = Stream(server, shards=2)
    query = Query(server, stream.name)

    stream.put_some(0, 20)
    query.batch()
    stream.put_some(20, 40)
    stream.split()
    stream.put_some(40, 60)
    query.batch()
    stream.merge()
    stream.put_some(60, 80)
    query.batch()
    stream.put_some(80, 100)
    stream.scale(3)
    stream.put_some(100, 120)
    query.drain()

    assert by_key(query.rows) == stream.put_by_key
    assert len(positions(query.rows)) == 120


def test_reshards_before_the_first_batch_keep_the_order(server: Server) -> None:
    """A query that starts late reads the parents before the children."""
    stream = Stream(server, shards=1)
    stream.put_some(0, 30)
    stream.split()
    stream.put_some(30, 60)
    stream.merge()
    stream.put_some(60, 90)

    query = Query(server, stream.name)
    query.drain()

    assert by_key(query.rows) == stream.put_by_key
    assert len(positions(query.rows)) == 90


def test_a_restart_continues_from_the_last_offset(server: Server) -> None:
    """Also if the stream was resharded while the query was stopped."""
    stream = Stream(server, shards=2)
    query = Query(server, stream.name)
    stream.put_some(0, 20)
    query.batch()
    stream.put_some(20, 40)
    stream.split()
    stream.put_some(40, 60)

    query.restart()
    query.drain()

    assert by_key(query.rows) == stream.put_by_key
    assert len(positions(query.rows)) == 60


def test_a_replayed_batch_has_the_same_rows(server: Server) -> None:
    """The offsets define a batch, whatever arrived in the meantime."""
    stream = Stream(server, shards=2)
    query = Query(server, stream.name)
    stream.put_some(0, 30)
    query.batch()
    stream.put_some(30, 60)
    stream.split()
    query.batch()
    stream.put_some(60, 90)
    query.restart()

    replayed = [query.read(batch.start, batch.end) for batch in query.batches]

    assert [sorted(rows) for rows in replayed] == [sorted(b.rows) for b in query.batches]
    assert all(batch.rows for batch in query.batches)


def test_the_offset_stays_the_same_without_new_records(server: Server) -> None:
    """Byte for byte, because Spark runs a batch if the text differs."""
    stream = Stream(server, shards=3)
    stream.put_some(0, 5)
    query = Query(server, stream.name)
    query.drain()

    again = [json.dumps(query.plan()) for _ in range(3)]

    assert again == [json.dumps(query.offset)] * 3


def test_an_empty_stream_has_no_batch_with_rows(server: Server) -> None:
    stream = Stream(server, shards=2)
    query = Query(server, stream.name)

    assert query.drain() == []

    stream.put_some(0, 3)
    query.drain()
    assert by_key(query.rows) == stream.put_by_key


def test_latest_reads_the_records_that_arrive_after_the_start(server: Server) -> None:
    """The start is the time of the initial offset, even if the first plan is later."""
    stream = Stream(server, shards=2)
    stream.put_some(0, 10)
    stream.wait_past_arrivals()
    stream.put_by_key.clear()

    query = Query(server, stream.name, startingPosition="LATEST")
    stream.put_some(10, 20)
    query.drain()

    assert by_key(query.rows) == stream.put_by_key


def test_a_start_at_a_time_reads_the_records_that_arrived_since(server: Server) -> None:
    stream = Stream(server, shards=2)
    stream.put_some(0, 10)
    since = stream.wait_past_arrivals()
    stream.put_by_key.clear()
    stream.put_some(10, 20)

    query = Query(server, stream.name, startingPosition=since.isoformat())
    query.drain()

    assert by_key(query.rows) == stream.put_by_key


def test_each_user_record_of_a_kpl_aggregate_is_a_row(server: Server) -> None:
    """Each has its own key and number. Data that only looks aggregated stays whole."""
    stream = Stream(server, shards=1)
    aggregator = aws_kinesis_agg.aggregator.RecordAggregator()
    for i in range(3):
        aggregator.add_user_record(f"user {i}", b"inner %d \xff" % i)
    _, _, aggregate = aggregator.clear_and_get().get_contents()
    torn = aggregate[:-1] + bytes([aggregate[-1] ^ 1])
    stream.put(aggregate, key="aggregate")
    stream.put(b"plain", key="plain")
    stream.put(torn, key="torn")

    query = Query(server, stream.name)
    query.drain()

    assert [(row.key, row.sub_sequence_number, row.data) for row in query.rows] == [
        ("user 0", 0, b"inner 0 \xff"),
        ("user 1", 1, b"inner 1 \xff"),
        ("user 2", 2, b"inner 2 \xff"),
        ("plain", 0, b"plain"),
        ("torn", 0, torn),
    ]
    assert len({row.sequence_number for row in query.rows}) == 3


def test_small_batches_add_up(server: Server) -> None:
    """A target number of records changes when a record is read, not whether it is read."""
    stream = Stream(server, shards=2)
    stream.put_some(0, 60)

    query = Query(server, stream.name, maxRecordsPerBatch="10")
    query.drain()

    assert by_key(query.rows) == stream.put_by_key
    assert len(positions(query.rows)) == 60
