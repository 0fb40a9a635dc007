"""moto's server, with Kinesis's own rules for a reshard.

In Kinesis, a closed shard keeps its records and accepts no more. moto (5.2) moves or copies the
records to the children, and continues to put new ones into the closed shard. No reader could read
every record of such a stream once. Everything else in moto is unchanged.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from moto.kinesis.models import Shard, Stream
from moto.server import main

_split_shard = Stream.split_shard
_merge_shards = Stream.merge_shards


def get_shard_for_key(self: Stream, partition_key: str, explicit_hash_key: str) -> Shard:
    """The open shard of a record."""
    digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).digest()
    target = int(explicit_hash_key) if explicit_hash_key else int.from_bytes(digest)
    return next(
        shard
        for shard in self.shards.values()
        if shard.is_open and shard.starting_hash <= target <= shard.ending_hash
    )


def split_shard(self: Stream, shard_to_split: str, new_starting_hash_key: str) -> None:
    with _hidden_records(self, shard_to_split):
        _split_shard(self, shard_to_split, new_starting_hash_key)


def merge_shards(self: Stream, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
    with _hidden_records(self, shard_to_merge, adjacent_shard_to_merge):
        _merge_shards(self, shard_to_merge, adjacent_shard_to_merge)


@contextmanager
def _hidden_records(stream: Stream, *shard_ids: str) -> Iterator[None]:
    """Hide the records of these shards from moto, and put them back afterwards."""
    shards = [stream.shards[shard_id] for shard_id in shard_ids]
    records = [shard.records for shard in shards]
    for shard in shards:
        shard.records = OrderedDict()
    try:
        yield
    finally:
        for shard, hidden in zip(shards, records, strict=True):
            shard.records = hidden


def correct_reshards() -> None:
    """Make moto, in this process, reshard as Kinesis does."""
    Stream.get_shard_for_key = get_shard_for_key  # type: ignore[method-assign]
    Stream.split_shard = split_shard  # type: ignore[method-assign]
    Stream.merge_shards = merge_shards  # type: ignore[method-assign]


if __name__ == "__main__":
    correct_reshards()
    main()
