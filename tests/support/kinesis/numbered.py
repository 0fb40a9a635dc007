"""A stream of two shards on the fake, and numbered records on both."""

from tests.support.kinesis.reading import Row
from tests.support.servers import FakeKinesis

STREAM = "clicks"
SHARDS = ("shardId-000000000000", "shardId-000000000001")
_HASH_KEY_OF_SHARD = ("0", str(2**128 - 1))


def put(fake: FakeKinesis, shard: int, *records: bytes) -> list[str]:
    """Put records on the first or the last shard. Return their sequence numbers."""
    entries = [
        {"Data": data, "PartitionKey": "k", "ExplicitHashKey": _HASH_KEY_OF_SHARD[shard]}
        for data in records
    ]
    answer = fake.client().put_records(StreamName=STREAM, Records=entries)
    return [record["SequenceNumber"] for record in answer["Records"]]


def put_numbered(fake: FakeKinesis, first: int, last: int) -> None:
    """Put records with the same numbers on both shards."""
    for shard in (0, 1):
        put(fake, shard, *(b"%d-%d" % (shard, i) for i in range(first, last)))


def numbered(first: int, last: int) -> dict[str, list[bytes]]:
    """The records that `put_numbered` puts, by shard."""
    return {SHARDS[shard]: [b"%d-%d" % (shard, i) for i in range(first, last)] for shard in (0, 1)}


def by_shard(rows: list[Row]) -> dict[str, list[bytes]]:
    """The bytes of each shard, in the order of the rows."""
    found: dict[str, list[bytes]] = {}
    for row in rows:
        found.setdefault(row.shard, []).append(row.data)
    return dict(sorted(found.items()))
