"""The planner's view of a stream: shards, starting points, and records without their bytes.

Times are milliseconds since 1970, as Kinesis counts them. Sequence numbers are decimal strings,
because they exceed 64 bits; `RecordRef.order` compares them as numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class IteratorType(StrEnum):
    """Kinesis's names for the places where a shard iterator can start."""

    TRIM_HORIZON = "TRIM_HORIZON"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    AT_SEQUENCE_NUMBER = "AT_SEQUENCE_NUMBER"
    AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"


@dataclass(frozen=True)
class StartingPoint:
    """The place in a shard where reading starts."""

    type: IteratorType
    sequence_number: str | None = None
    time_ms: int | None = None

    @classmethod
    def trim_horizon(cls) -> "StartingPoint":
        return cls(IteratorType.TRIM_HORIZON)

    @classmethod
    def at_time(cls, time_ms: int) -> "StartingPoint":
        return cls(IteratorType.AT_TIMESTAMP, time_ms=time_ms)

    @classmethod
    def at(cls, sequence_number: str) -> "StartingPoint":
        return cls(IteratorType.AT_SEQUENCE_NUMBER, sequence_number)

    @classmethod
    def after(cls, sequence_number: str) -> "StartingPoint":
        return cls(IteratorType.AFTER_SEQUENCE_NUMBER, sequence_number)


@dataclass(frozen=True)
class Shard:
    """One shard, as ListShards returns it. The stream may no longer have its `parents`."""

    shard_id: str
    parents: tuple[str, ...] = ()
    is_closed: bool = False

    @classmethod
    def from_api(cls, shard: dict[str, Any]) -> "Shard":
        """Read one item of ListShards.

        A closed shard is one that has an ending sequence number. The number itself is not used,
        because an emulator reports the largest 64-bit integer for it.
        """
        parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
        return cls(
            shard_id=shard["ShardId"],
            parents=tuple(parent for parent in parents if parent),
            is_closed="EndingSequenceNumber" in shard["SequenceNumberRange"],
        )


@dataclass(frozen=True)
class RecordRef:
    """An existing record of a shard, without its bytes."""

    sequence_number: str
    arrived_ms: int

    @property
    def order(self) -> int:
        return int(self.sequence_number)


@dataclass(frozen=True)
class Peek:
    """The first records from a starting point on.

    records:               in the shard's order, at most the requested number
    millis_behind_latest:  MillisBehindLatest after the last of them
    at_tip:                no record follows them now
    at_end:                no record will ever follow them: the shard is closed, and this is its end
    """

    records: tuple[RecordRef, ...]
    millis_behind_latest: int
    at_tip: bool
    at_end: bool = False


class Probe(Protocol):
    """The planner's access to a stream. Several threads call it at once."""

    def peek(self, shard: Shard, start: StartingPoint, limit: int) -> Peek:
        """The first records from `start` on: at least one, unless there is none."""

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        """Whether no record has followed since a peek found `sequence_number` to be the last one.

        This takes one cheap call, while a peek takes two. False if it cannot be determined.
        """

    def retention_ms(self) -> int:
        """The time for which the stream keeps a record."""

    def created_ms(self) -> int | None:
        """When the stream was created; None if that cannot be determined."""


def furthest(records: Sequence[RecordRef]) -> RecordRef:
    """The record with the highest sequence number."""
    return max(records, key=lambda record: record.order)
