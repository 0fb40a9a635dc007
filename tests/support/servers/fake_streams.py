"""The streams and shards of the fake Kinesis: hash routing, sequence numbers, resharding.

A split or a merge closes the parents and opens children, as in Kinesis. The parents stay until a
test removes them.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tests.support.servers.fake_log import Log, MemoryLog, VolumeLog

ACCOUNT = "000000000000"
HASH_KEYS = 2**128


class KinesisError(Exception):
    """An answer with HTTP status 400 or 500, and the name of the error in AWS."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        self.name, self.message, self.status = name, message, status
        super().__init__(f"{name}: {message}")


def invalid(message: str) -> KinesisError:
    return KinesisError("InvalidArgumentException", message)


def hash_key(partition_key: str) -> int:
    """The hash key of a partition key: its MD5 digest as a number of 128 bits."""
    return int.from_bytes(hashlib.md5(partition_key.encode(), usedforsecurity=False).digest())


# Sequence numbers are not consecutive in Kinesis, so they are not consecutive here.
_STRIDE = 11


@dataclass
class Shard:
    """One shard. `created_s` (epoch seconds) orders its numbers after those of its parents."""

    index: int
    first_hash: int
    last_hash: int
    created_s: int
    parents: tuple[str, ...] = ()
    closed: bool = False
    log: Log = field(default_factory=MemoryLog)

    @property
    def id(self) -> str:
        return f"shardId-{self.index:012d}"

    def sequence_number(self, index: int) -> int:
        """The number of record `index`: 186 bits, in the layout of version 2 of Kinesis."""
        return self._number((index + 1) * _STRIDE)

    def _number(self, counter: int) -> int:
        number = 2
        for value, bits in (
            (self.created_s, 36),
            (self.index & 15, 4),
            (counter, 64),
            (0, 8),
            (self.created_s, 36),
            (self.index, 32),
            (2, 4),
        ):
            number = number << bits | value
        return number

    def position(self, sequence_number: str, *, after: bool) -> int:
        """The index of the first record at, or after, a sequence number of this shard."""
        number = int(sequence_number) if sequence_number.isdigit() else 0
        counter = number >> 80 & 2**64 - 1
        if self._number(counter) != number:
            raise invalid(f"StartingSequenceNumber {sequence_number} is invalid for {self.id}.")
        if after:
            return counter // _STRIDE
        return max(0, -(-counter // _STRIDE) - 1)

    def trim_before(self, horizon_ms: int) -> None:
        while self.log.first < self.log.end and self.log.arrival_ms(self.log.first) < horizon_ms:
            self.log.first += 1

    def described(self) -> dict[str, Any]:
        """The shard as ListShards returns it."""
        numbers = {"StartingSequenceNumber": str(self._number(0))}
        if self.closed:
            # A number after every record, which no record has.
            numbers["EndingSequenceNumber"] = str(self._number(self.log.end * _STRIDE + 1))
        named = zip(("ParentShardId", "AdjacentParentShardId"), self.parents, strict=False)
        return {
            "ShardId": self.id,
            **dict(named),
            "HashKeyRange": self.hash_range(),
            "SequenceNumberRange": numbers,
        }

    def hash_range(self) -> dict[str, str]:
        return {"StartingHashKey": str(self.first_hash), "EndingHashKey": str(self.last_hash)}


class Stream:
    """A stream and all its shards, open and closed."""

    def __init__(self, name: str, shard_count: int, now_ms: Callable[[], int]) -> None:
        self.name = name
        self.created_ms = now_ms()
        self.retention_hours = 24
        self.shards: dict[str, Shard] = {}
        self._opened = 0
        self._now_ms = now_ms
        bounds = _uniform_bounds(shard_count)
        for first, following in pairwise(bounds):
            self._open(first, following - 1, ())

    @property
    def arn(self) -> str:
        return f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{self.name}"

    def shard(self, shard_id: str) -> Shard:
        if shard_id not in self.shards:
            message = f"Shard {shard_id} in stream {self.name} does not exist"
            raise KinesisError("ResourceNotFoundException", message)
        return self.shards[shard_id]

    def open_shards(self) -> list[Shard]:
        """The open shards, in the order of their hash keys."""
        shards = [shard for shard in self.shards.values() if not shard.closed]
        return sorted(shards, key=lambda shard: shard.first_hash)

    def children(self, shard: Shard) -> list[Shard]:
        return [child for child in self.shards.values() if shard.id in child.parents]

    def put(
        self, data: bytes, key: str, explicit_hash: str | None, arrival_ms: int
    ) -> tuple[str, str]:
        """Store one record. Return its shard and its sequence number."""
        target = int(explicit_hash) if explicit_hash is not None else hash_key(key)
        shards = self.open_shards()
        shard = shards[bisect_left([shard.last_hash for shard in shards], target)]
        if not isinstance(shard.log, MemoryLog):
            raise KinesisError("ResourceInUseException", f"Stream {self.name} was filled.")
        number = shard.sequence_number(shard.log.end)
        shard.log.append(data, key, number, arrival_ms)
        return shard.id, str(number)

    def split(self, shard_id: str, first_hash_of_second: int) -> list[Shard]:
        parent = self._open_shard(shard_id)
        if not parent.first_hash < first_hash_of_second <= parent.last_hash:
            raise invalid(f"NewStartingHashKey {first_hash_of_second} is outside of {shard_id}.")
        parent.closed = True
        return [
            self._open(parent.first_hash, first_hash_of_second - 1, (parent,)),
            self._open(first_hash_of_second, parent.last_hash, (parent,)),
        ]

    def merge(self, shard_id: str, adjacent_id: str) -> Shard:
        pair = (self._open_shard(shard_id), self._open_shard(adjacent_id))
        lower, upper = sorted(pair, key=lambda shard: shard.first_hash)
        if lower.last_hash + 1 != upper.first_hash:
            raise invalid(f"Shards {shard_id} and {adjacent_id} are not adjacent.")
        lower.closed = upper.closed = True
        return self._open(lower.first_hash, upper.last_hash, pair)

    def scale(self, shard_count: int) -> None:
        """Split and merge, as Kinesis does, until `shard_count` shards of equal size are open."""
        bounds = _uniform_bounds(shard_count)
        for bound in bounds[1:-1]:
            (shard,) = (s for s in self.open_shards() if s.first_hash <= bound <= s.last_hash)
            if shard.first_hash != bound:
                self.split(shard.id, bound)
        for first, following in pairwise(bounds):
            parts = [s for s in self.open_shards() if first <= s.first_hash < following]
            merged = parts[0]
            for part in parts[1:]:
                merged = self.merge(merged.id, part.id)

    def fill(self, count: int, data_of: Callable[[int, int], bytes], span_ms: int) -> None:
        """Fill each open shard with `count` records, which arrived in the last `span_ms`."""
        newest_ms = self._now_ms()
        for shard in self.open_shards():
            shard.log = VolumeLog(
                count,
                lambda i, shard=shard: data_of(shard.index, i),  # type: ignore[misc]
                shard.sequence_number,
                newest_ms - span_ms,
                newest_ms,
            )

    def horizon_ms(self) -> int:
        """The trim horizon: records that arrived before this time are gone."""
        return self._now_ms() - self.retention_hours * 3_600_000

    def _open(self, first_hash: int, last_hash: int, parents: tuple[Shard, ...]) -> Shard:
        created_s = max([self._now_ms() // 1000, *(parent.created_s + 1 for parent in parents)])
        ids = tuple(parent.id for parent in parents)
        shard = Shard(self._opened, first_hash, last_hash, created_s, ids)
        self._opened += 1
        self.shards[shard.id] = shard
        return shard

    def _open_shard(self, shard_id: str) -> Shard:
        shard = self.shard(shard_id)
        if shard.closed:
            raise KinesisError("ResourceInUseException", f"Shard {shard_id} is closed.")
        return shard


def _uniform_bounds(shard_count: int) -> list[int]:
    return [HASH_KEYS * i // shard_count for i in range(shard_count + 1)]
