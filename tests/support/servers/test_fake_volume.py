"""A filled stream serves all generated events, which are different, from any position."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.servers import FakeKinesis
from tests.support.servers.fake_volume import event_of
from tests.support.servers.one_shard import STREAM, data, iterator


def test_a_filled_stream_serves_every_record_from_any_position(
    kinesis: Any, fake: FakeKinesis
) -> None:
    # boto3 truncates timestamps to whole seconds.
    before = datetime.now(UTC).replace(microsecond=0)
    fake.fill(STREAM, 25_000, record_bytes=322, span=timedelta(minutes=1))

    pages: list[dict[str, Any]] = []
    position = iterator(kinesis)
    while not pages or pages[-1]["MillisBehindLatest"]:
        pages.append(kinesis.get_records(ShardIterator=position))
        position = pages[-1]["NextShardIterator"]
    records = [record for page in pages for record in page["Records"]]
    number = records[12_344]["SequenceNumber"]
    probe = iterator(kinesis, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)
    half = before - timedelta(seconds=30)
    (timed,) = kinesis.get_records(
        ShardIterator=iterator(kinesis, kind="AT_TIMESTAMP", Timestamp=half), Limit=1
    )["Records"]

    assert [len(page["Records"]) for page in pages] == [10_000, 10_000, 5_000]
    assert len({record["SequenceNumber"] for record in records}) == 25_000
    assert {len(record["Data"]) for record in records} == {322}
    assert len({record["Data"] for record in records}) == 25_000
    assert data(kinesis, probe, limit=1) == [records[12_345]["Data"]]
    assert timed["ApproximateArrivalTimestamp"] >= half


def test_generated_events_differ_by_shard_and_index_alone() -> None:
    events = {event_of(shard, i, 1_700_000_000_000, 322) for shard in (0, 1) for i in range(100)}

    assert len(events) == 200
    assert event_of(1, 5, 1_700_000_000_000, 300) == (
        b'{"event_uuid":"00000001-0000-4000-8000-000000000005","event_name":"app.started",'
        b'"created_at":1699998599984,"user_id":6523,"session_id":"0004b7199c8600d1",'
        b'"amount":16.16,"country":"SE","note":"' + b"x" * 106 + b'"}'
    )
