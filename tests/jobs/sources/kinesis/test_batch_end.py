"""The end of a batch: at the tip, at a time or at a number of records, found with few peeks."""

from jobs.sources.kinesis.planner import Admission
from tests.support.kinesis.stream_model import HOUR_MS, ModelStream, Query

A, B = "shard-000", "shard-001"


def test_an_end_in_time_is_exact() -> None:
    """Records that arrived before it are read, whatever arrives meanwhile. Then the offset stays
    the same."""
    stream = ModelStream.of(2)
    before = {B: stream.put(B, 2), A: stream.put(A, 300, every_ms=20)}
    query = Query(stream, Admission(until_ms=stream.now_ms))
    stream.put(A, 2_500, every_ms=1)
    stream.put(B, 1)
    query.drain()
    assert query.read == before

    stream.now_ms += HOUR_MS
    query.admission = Admission()
    query.drain()
    assert [len(query.read[shard]) for shard in (A, B)] == [2_800, 3]


def test_batches_have_about_the_target_number_of_records() -> None:
    """Shards with few records leave their share to the others."""
    stream = ModelStream.of(2)
    stream.put(A, 90_000, every_ms=4)
    stream.put(B, 20)
    stream.now_ms += HOUR_MS
    query = Query(stream, Admission(records=10_000))
    sizes = []
    while rows := query.batch():
        sizes.append(sum(len(numbers) for numbers in rows.values()))
    assert sum(sizes) == 90_020
    assert all(9_000 <= size <= 11_000 for size in sizes[:-1])


def test_batches_read_no_longer_span_than_admitted() -> None:
    stream = ModelStream.of(1)
    stream.put(A, 1_000, every_ms=100)
    query = Query(stream, Admission(span_ms=10_000))
    assert [len(query.batch().get(A, [])) for _ in range(3)] == [101, 101, 101]


def test_the_last_record_of_an_idle_shard_is_found() -> None:
    """One plan with few peeks finds it, however long ago it arrived, without reading the shard."""
    stream = ModelStream.of(1)
    numbers = stream.put(A, 200_000, every_ms=1)
    stream.now_ms += 20 * HOUR_MS
    query = Query(stream)
    assert query.batch() == {A: numbers}
    assert stream.peeks < 40


def test_many_shards_need_few_peeks() -> None:
    """A plan for 300 shards fits into a trigger: no peek for an idle shard, two for a busy one."""
    stream = ModelStream.of(300)
    for shard_id in stream.contents:
        stream.put(shard_id, 1)
    query = Query(stream)
    query.drain()

    stream.peeks = 0
    query.plan()
    assert stream.peeks == 0

    for shard_id in stream.contents:
        stream.put(shard_id, 100, late_ms=2_000)
        stream.put(shard_id, 100)
    stream.now_ms += 500
    stream.peeks = 0
    query.plan()
    assert stream.peeks == 600


def test_the_lag_is_that_of_the_shard_furthest_behind() -> None:
    stream = ModelStream.of(2)
    stream.put(A, 100, every_ms=1_000)
    stream.put(B, 1)
    query = Query(stream, Admission(span_ms=30_000))
    query.batch()
    assert query.offset.shards[A].millis_behind_latest == 70_000
    assert query.offset.shards[B].millis_behind_latest == 0
    assert query.offset.millis_behind_latest == 70_000
