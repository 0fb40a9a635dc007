"""Random histories of a stream and a query: each record is read once, in order.

Hypothesis generates the histories, and shortens those that fail. They run on a fake server, and
`reading.Query` calls the source, without Spark.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.kinesis.reading import Query, by_key, positions
from tests.support.servers import FakeKinesis, fake_kinesis
from tests.support.servers.fake_faults import Kind

_names = count()

TRANSIENT = (Kind.RESET, Kind.EMPTY, Kind.EXPIRED, Kind.HALF_JSON)

EVENTS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 40)),
    st.tuples(st.just("batch"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("split"), st.integers(0, 7)),
    st.tuples(st.just("merge"), st.integers(0, 7)),
    st.tuples(st.just("scale"), st.integers(1, 4)),
    st.tuples(st.just("pages"), st.integers(1, 20)),
    st.tuples(st.just("expire"), st.just(0)),
    st.tuples(st.just("shift arrivals"), st.integers(-120, 0)),
    st.tuples(st.just("fail"), st.integers(0, len(TRANSIENT) - 1)),
    st.tuples(st.just("time passes"), st.integers(1, 1200)),
)

TRIED = {
    "faults of Kinesis": {"fail", "expire", "shift arrivals"},
    "reshards": {"split", "merge", "scale"},
    "crashes of the source": {"crash", "restart"},
}


@pytest.fixture(scope="module")
def shared_fake() -> Iterator[FakeKinesis]:
    """One server for all histories. Each history has its own stream."""
    with fake_kinesis() as running:
        yield running


class History:
    """A stream, a query, and the records that were put."""

    def __init__(self, fake: FakeKinesis, shards: int, records_per_batch: int) -> None:
        fake.heal()
        self._fake, self._client = fake, fake.client()
        self._stream = f"stream-{next(_names)}"
        self._client.create_stream(StreamName=self._stream, ShardCount=shards)
        self._query = Query(fake, self._stream, maxRecordsPerBatch=str(records_per_batch))
        self._put: dict[str, list[bytes]] = {}
        self._records = count()

    def happens(self, event: str, number: int) -> None:
        match event:
            case "put":
                self._put_records(number)
            case "batch":
                self._query.batch()
            case "crash":
                self._query.crash()
            case "restart":
                self._query.restart()
            case "split":
                self._split(number)
            case "merge":
                self._merge(number)
            case "scale":
                self._client.update_shard_count(
                    StreamName=self._stream,
                    TargetShardCount=number,
                    ScalingType="UNIFORM_SCALING",
                )
            case "pages":
                self._fake.limit_pages(number)
            case "expire":
                self._fake.expire_iterators()
            case "shift arrivals":
                self._fake.shift_arrivals(timedelta(seconds=number))
            case "fail":
                self._fake.fail(TRANSIENT[number], times=1, skip=number)
            case "time passes":
                self._fake.advance_clock(timedelta(seconds=number))

    def ends(self) -> None:
        """Let the query catch up. It has each record once, in the order of its key."""
        self._query.drain()

        assert by_key(self._query.rows) == self._put
        assert len(positions(self._query.rows)) == len(self._query.rows)

    def _put_records(self, number: int) -> None:
        entries = [
            {"Data": f"{i}".encode(), "PartitionKey": f"key {i % 5}"}
            for i in (next(self._records) for _ in range(number))
        ]
        self._client.put_records(StreamName=self._stream, Records=entries)
        for entry in entries:
            self._put.setdefault(str(entry["PartitionKey"]), []).append(bytes(entry["Data"]))  # type: ignore[arg-type]

    def _split(self, index: int) -> None:
        shards = self._open()
        shard = shards[index % len(shards)]
        first, last = (int(bound) for bound in shard["HashKeyRange"].values())
        self._client.split_shard(
            StreamName=self._stream,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str((first + last) // 2 + 1),
        )

    def _merge(self, index: int) -> None:
        shards = self._open()
        if len(shards) > 1:
            lower = index % (len(shards) - 1)
            self._client.merge_shards(
                StreamName=self._stream,
                ShardToMerge=shards[lower]["ShardId"],
                AdjacentShardToMerge=shards[lower + 1]["ShardId"],
            )

    def _open(self) -> list[dict[str, Any]]:
        answer = self._client.list_shards(
            StreamName=self._stream, ShardFilter={"Type": "AT_LATEST"}
        )
        return sorted(answer["Shards"], key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    shards=st.integers(1, 3),
    records_per_batch=st.sampled_from([0, 0, 5, 15, 50]),
    events=st.lists(EVENTS, max_size=30),
)
def test_any_history_leaves_each_record_once_and_in_order(
    shared_fake: FakeKinesis,
    tried: Callable[[str, int], None],
    shards: int,
    records_per_batch: int,
    events: list[tuple[str, int]],
) -> None:
    history = History(shared_fake, shards, records_per_batch)
    for event, number in events:
        history.happens(event, number)
    history.ends()
    for what, kinds in TRIED.items():
        tried(what, sum(event in kinds for event, _ in events))
