"""What the planner and the reader know of a stream: shards, starting points, records seen.

Times are milliseconds since the epoch, as Kinesis counts them. Sequence numbers are decimal
strings, because they do not fit into 64 bits; `Mark.order` compares them as numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class IteratorType(StrEnum):
    """Kinesis's names for the places at which a shard iterator can start."""

    TRIM_HORIZON = "TRIM_HORIZON"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    AT_SEQUENCE_NUMBER = "AT_SEQUENCE_NUMBER"
    AFTER_SEQUENCE_NUMBER = "AFTER_SEQUENCE_NUMBER"


@dataclass(frozen=True)
class StartingPoint:
    """Where in a shard to start reading."""

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
    """One shard as ListShards tells it. `parents` may have left the stream already."""

    shard_id: str
    parents: tuple[str, ...] = ()
    is_closed: bool = False

    @classmethod
    def from_api(cls, answer: dict[str, Any]) -> "Shard":
        """A closed shard is told by having an ending number; its value says nothing: an
        emulator reports the largest long for it."""
        parents = (answer.get("ParentShardId"), answer.get("AdjacentParentShardId"))
        return cls(
            shard_id=answer["ShardId"],
            parents=tuple(parent for parent in parents if parent),
            is_closed="EndingSequenceNumber" in answer["SequenceNumberRange"],
        )


@dataclass(frozen=True)
class Mark:
    """One record of a shard, known to exist, without its bytes."""

    sequence_number: str
    arrived_ms: int

    @property
    def order(self) -> int:
        return int(self.sequence_number)


@dataclass(frozen=True)
class Glimpse:
    """The first records from a starting point on.

    marks:      at most as many as asked for, in the shard's order
    behind_ms:  MillisBehindLatest after the last of them
    at_tip:     nothing follows them (yet)
    at_end:     nothing will ever follow them: the shard is closed and this is its end
    """

    marks: tuple[Mark, ...]
    behind_ms: int
    at_tip: bool
    at_end: bool = False


class Probe(Protocol):
    """How the planner looks into a stream. Called from several threads at once."""

    def look(self, shard: Shard, start: StartingPoint, limit: int) -> Glimpse:
        """The first records from `start` on: at least one, unless there is none."""

    def is_quiet(self, shard: Shard, sequence_number: str) -> bool:
        """Whether nothing came since a look found `sequence_number` to be the shard's last.

        One cheap call where a look takes two; False whenever it cannot tell.
        """

    def retention_ms(self) -> int:
        """How long the stream keeps a record."""


def furthest(marks: Sequence[Mark]) -> Mark:
    """The mark that stands last in the shard."""
    return max(marks, key=lambda mark: mark.order)
