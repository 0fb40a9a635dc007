"""Amazon's own producer library puts records, the stream is resharded, and the program reads it."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.lake import Table, tables_of
from tests.support.commands import Running, settings
from tests.support.exactness import assert_exact
from tests.support.kinesis.kpl_producer import Acknowledged, KplProducer, UserRecord, kpl_producer
from tests.support.kinesis.kpl_records import records_of_events
from tests.support.kinesis.server_stream import Stream
from tests.support.kinesis.stream_content import KinesisRecord, Row, kinesis_records, user_records
from tests.support.servers import Server, kinesis_local, missing_for_kinesis_local
from tests.support.small_lake import settings_in
from tests.support.waiting import wait_until

EVENTS = 8_000
SHARDS = 2
SHARDS_AFTER_SPLIT_AND_MERGE = 5  # with the closed ones


@pytest.fixture
def server() -> Iterator[Server]:
    missing = missing_for_kinesis_local()
    if missing:
        pytest.skip(missing)
    with kinesis_local() as server:
        yield server


@pytest.mark.slice("kpl")
def test_records_of_the_real_kpl_are_stored_exactly_through_a_split_and_a_merge(
    spark: SparkSession, server: Server, tmp_path: Path, tried: Callable[[str, int], None]
) -> None:
    """Raw has each user record with its own key, and events has each event once.

    After a reshard, the KPL puts some user records a second time. Raw has a record as often as
    the stream has it.
    """
    read: Counter[str] = Counter()
    stream = Stream(server, SHARDS)
    options = settings(server, str(tmp_path), f"source.stream={stream.name}")
    with (
        kpl_producer(server, stream.name, log=tmp_path / "kpl.log") as producer,
        Running("stream", *options) as driver,
    ):
        producer.put(records_of_events(0, 1))
        producer.acknowledged()  # until it knows the shards, it does not aggregate
        producer.put(records_of_events(1, EVENTS // 2))
        before_split = producer.count
        follow(driver, read, "ingest", 1)
        put_around(stream.split, producer, list(records_of_events(EVENTS // 2, EVENTS * 3 // 4)))
        follow(driver, read, "ingest", before_split + 1)
        put_around(stream.merge, producer, list(records_of_events(EVENTS * 3 // 4, EVENTS)))
        acknowledged = producer.acknowledged()
        on_stream = list(kinesis_records(server, stream.name))
        put = list(user_records(on_stream))
        follow(driver, read, "process", len(put))
        code, log = driver.terminate()
    assert code == 0, log

    assert_aggregated(on_stream, len(put))
    tables = tables_of(settings_in(tmp_path).lake)
    raw = rows_of(spark, tables.raw)
    assert differences(raw, put) == []
    assert_acknowledged_records(raw, acknowledged)
    assert_exact(spark, tables, [row.data for row in put])
    tried("records", len(put))


def follow(driver: Running, read: Counter[str], query: str, records: int) -> None:
    """Read the log, and count in `read`, until `query` has read this number of records."""
    while read[query] < records:
        line = driver.wait_for(" records=")
        fields = dict(field.split("=") for field in line.split() if "=" in field)
        read[fields["query"]] += int(fields["records"])


def put_around(
    reshard: Callable[[], None], producer: KplProducer, records: Sequence[UserRecord]
) -> None:
    """Put records, and reshard the stream when half of them are put."""
    half = producer.count + len(records) // 2
    with ThreadPoolExecutor(1) as background:
        putting = background.submit(producer.put, records)
        wait_until(lambda: putting.done() or producer.count >= half, "half of the records")
        reshard()
        putting.result()


def assert_aggregated(on_stream: Sequence[KinesisRecord], user_records: int) -> None:
    """All shards have records, and most user records are in an aggregated one."""
    assert len({record.shard_id for record in on_stream}) == SHARDS_AFTER_SPLIT_AND_MERGE
    assert sum(not record.is_aggregated for record in on_stream) < user_records / 2


def assert_acknowledged_records(raw: Sequence[Row], acknowledged: Sequence[Acknowledged]) -> None:
    """Raw has each record where the KPL reports it, and none that was not put."""
    put = {(each.record.partition_key, each.record.data) for each in acknowledged}
    assert len(put) == len(acknowledged)  # no two are alike, so none is taken for another
    assert differences({(row.partition_key, row.data) for row in raw}, put) == []
    reported = {
        (each.shard_id, each.sequence_number, each.record.partition_key, each.record.data)
        for each in acknowledged
    }
    stored = {(row.shard_id, row.sequence_number, row.partition_key, row.data) for row in raw}
    assert differences(stored & reported, reported) == []


def rows_of(spark: SparkSession, raw: Table) -> list[Row]:
    rows = raw.read(spark).select(*Row._fields).collect()
    return [Row._make((*row[:-1], bytes(row["data"]))) for row in rows]


def differences(found: Iterable[Hashable], required: Iterable[Hashable]) -> list[str]:
    """Some of the values that are not in both, or not as often. Long values are cut."""
    there, wanted = Counter(found), Counter(required)
    missing = [f"missing: {value!r:.300}" for value in wanted - there]
    return missing[:5] + [f"too many: {value!r:.300}" for value in there - wanted][:5]
