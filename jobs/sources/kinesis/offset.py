"""The offset that Spark stores in its checkpoint: how far each shard is read.

The end offset alone defines a batch. For each shard that moved, it contains the first and the last
sequence number of the batch, both of existing records. A replay therefore reads the same records,
whatever the start offset of a restarted query is, and detects a loss. Equal offsets are equal JSON,
byte for byte: Spark compares the text, and runs a batch if it differs.

Version 1 wrote `DRAINED` for SHARD_END and `behind_ms` for millis_behind_latest. It is still read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from jobs.errors import CheckpointError

VERSION = 2
_READABLE = (1, 2)
_STATES_OF_VERSION_1 = {"DRAINED": "SHARD_END"}


class State(StrEnum):
    """How far a shard is read.

    TRIM_HORIZON  not at all; the next read starts at its oldest record
    AT_TIMESTAMP  not at all; the next read starts at the first record that arrived at `at_ms`
    AFTER         up to and including `sequence_number`
    SHARD_END     to its end: it is closed, and its children may start
    """

    TRIM_HORIZON = "TRIM_HORIZON"
    AT_TIMESTAMP = "AT_TIMESTAMP"
    AFTER = "AFTER"
    SHARD_END = "SHARD_END"


class _Json:
    """JSON of a flat dataclass: fields that are None are left out."""

    def to_json(self) -> dict[str, Any]:
        named = {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]
        return {name: named[name] for name in sorted(named) if named[name] is not None}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        return cls(**json)


@dataclass(frozen=True)
class Position(_Json):
    """How far one shard is read, and bounds of the rest. Times are milliseconds since 1970.

    first:       the first record of the batch that moved the shard here; None if none did
    arrived_ms:  when the record `sequence_number` arrived; None if this query did not read it
    since_ms:    every unread record arrived at or after this time, so none is trimmed before it is
                 older than the stream's retention
    millis_behind_latest:  MillisBehindLatest after this position, when the offset was made
    """

    state: State
    sequence_number: str | None = None
    first: str | None = None
    at_ms: int | None = None
    arrived_ms: int | None = None
    since_ms: int | None = None
    millis_behind_latest: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", State(self.state))

    def is_at(self, other: "Position | None") -> bool:
        """Whether both have read the same records."""
        return other is not None and (self.state, self.sequence_number) == (
            other.state,
            other.sequence_number,
        )

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "state": self.state.value}

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "Position":
        """Read a position of any version."""
        named = dict(json)
        if "behind_ms" in named:
            named["millis_behind_latest"] = named.pop("behind_ms")
        named["state"] = _STATES_OF_VERSION_1.get(named["state"], named["state"])
        return cls(**named)


@dataclass(frozen=True)
class Gap(_Json):
    """Records that left a shard, or may have, before they were read."""

    after: str
    age_ms: int
    resumed_at: str | None = None


@dataclass(frozen=True)
class Offset:
    """How far a stream is read, as of a time.

    initial:    where each shard starts; only in the offset before the first batch. It does not
                name the shards, so that it is the same each time that Spark requests it
    gaps:       the latest gap of each shard that has one; only with failOnDataLoss=false
    gap_count:  the number of gaps so far
    """

    as_of_ms: int
    shards: Mapping[str, Position] = field(default_factory=dict)
    initial: Position | None = None
    gaps: Mapping[str, Gap] = field(default_factory=dict)
    gap_count: int = 0

    @property
    def millis_behind_latest(self) -> int:
        """The lag of the shard that is furthest behind."""
        return max(
            (position.millis_behind_latest or 0 for position in self.shards.values()), default=0
        )

    def to_json(self) -> dict[str, Any]:
        json: dict[str, Any] = {"as_of_ms": self.as_of_ms}
        if self.gap_count:
            json["gap_count"] = self.gap_count
            json["gaps"] = {shard: self.gaps[shard].to_json() for shard in sorted(self.gaps)}
        if self.initial is not None:
            json["initial"] = self.initial.to_json()
        json["shards"] = {shard: self.shards[shard].to_json() for shard in sorted(self.shards)}
        json["version"] = VERSION
        return json

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> "Offset":
        """Read an offset of version 1 or 2.

        Raises:
            CheckpointError: a later release, or another source, wrote the offset.
        """
        if json.get("version") not in _READABLE:
            raise CheckpointError(
                f"the checkpoint has a Kinesis offset of version {json.get('version')!r}, but this "
                f"release reads only versions {list(_READABLE)}. Use the release that wrote it, or "
                "a new checkpoint"
            )
        initial = json.get("initial")
        return cls(
            as_of_ms=json["as_of_ms"],
            shards={shard: Position.from_json(item) for shard, item in json["shards"].items()},
            initial=None if initial is None else Position.from_json(initial),
            gaps={shard: Gap.from_json(item) for shard, item in json.get("gaps", {}).items()},
            gap_count=json.get("gap_count", 0),
        )


@dataclass(frozen=True)
class Range:
    """The records of one shard in one batch: from `first` to `last`, both inclusive.

    `last` is None if the shard is read to its end. The stream existed at `planned_ms`.
    """

    shard_id: str
    first: str
    last: str | None
    planned_ms: int | None = field(default=None, compare=False)


def ranges(start: Offset, end: Offset) -> list[Range]:
    """The ranges of a batch: one for each shard that moved between the two offsets."""
    moved = {
        shard: position
        for shard, position in end.shards.items()
        if position.first is not None and not position.is_at(start.shards.get(shard))
    }
    return [
        Range(shard, str(position.first), position.sequence_number, end.as_of_ms)
        for shard, position in moved.items()
    ]
