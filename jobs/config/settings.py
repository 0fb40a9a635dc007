"""Every setting: section, name, type, default and meaning. `loader.py` reads their values.

Each section is a frozen dataclass. A field without a default must be set by the user. The meanings
are the text of docs/configuration.md and conf/reference.toml (`documentation.py`).
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from jobs.config.locations import Lake, Source
from jobs.config.record_format import Format
from jobs.config.values import require_at_least, require_positive
from jobs.errors import ConfigError
from transforms.enrichment import Field, Subtype
from transforms.errors import InvalidSettingError
from transforms.validation import CheckLimits

StateStore = Literal["rocksdb", "memory"]


# Sections whose name in a file is not that of their attribute
SECTION_NAMES = {"format": "source.format"}


class Query(StrEnum):
    """The two streaming queries. The name is also that of the checkpoint's folder."""

    INGEST = "ingest"
    PROCESS = "process"


@dataclass(frozen=True, kw_only=True)
class Once:
    """How long the state remembers an identity. Older ones are looked up in the table.

    `window` and `state_store` change what a batch costs, never which events are stored. `window`
    also decides when an event is late, and `max_future` which events are quarantined.
    """

    window: timedelta = field(
        default=timedelta(minutes=10),
        metadata={
            "meaning": (
                "The state finds duplicates within it; older ones cost a lookup in the table. "
                "An event that arrives later than this after its created_at is late (is_late)."
            )
        },
    )
    max_future: timedelta = field(
        default=timedelta(minutes=5),
        metadata={
            "meaning": (
                "An event whose created_at is later than its arrival by more than this is "
                "quarantined. At most half of the window."
            )
        },
    )
    state_store: StateStore = field(
        default="rocksdb",
        metadata={
            "meaning": (
                '"rocksdb": identities on the executor\'s disk, also the many of a catch-up after '
                'an outage. "memory": on the heap, a tenth faster or more; 4 million identities '
                "are too many for a driver of 2 GB. The checkpoint keeps the choice."
            )
        },
    )
    canonical_uuid: bool = field(
        default=False,
        metadata={
            "meaning": (
                "true: an event_uuid that is a UUID is stored in its canonical form, so that all "
                "spellings of it are one event. Choose it when the lake is new."
            )
        },
    )

    def __post_init__(self) -> None:
        require_positive("once.window", self.window)
        if self.window % timedelta(seconds=1):
            raise ConfigError(f"once.window must be whole seconds, got {self.window}")
        if not timedelta(0) <= self.max_future <= self.window / 2:
            raise ConfigError(
                f"once.max_future must be at most half of once.window ({self.window}), got "
                f"{self.max_future}. Otherwise the state could forget an event from the future "
                "before its duplicate arrives"
            )


@dataclass(frozen=True, kw_only=True)
class Stream:
    """How often a batch starts."""

    trigger: timedelta = field(
        default=timedelta(seconds=10),
        metadata={"meaning": "Time between the starts of two batches."},
    )

    def __post_init__(self) -> None:
        require_positive("stream.trigger", self.trigger)


@dataclass(frozen=True, kw_only=True)
class Process:
    """The size and the spread of a batch of `process`."""

    max_files_per_batch: int = field(default=1000, metadata={"meaning": "Files of raw in a batch."})
    max_bytes_per_batch: str = field(
        default="512m", metadata={"meaning": "Bytes of raw in a batch (compressed)."}
    )
    shuffle_partitions: int = field(
        default=0,
        metadata={
            "meaning": (
                "0: the number of cores, or Spark's default on a cluster. The checkpoint keeps the "
                "number."
            )
        },
    )

    set_aside_unwritable: bool = field(
        default=False,
        metadata={
            "meaning": (
                "true: events of a partition that cannot be written are quarantined (unwritable), "
                "and the run continues. false: the run ends, and names them."
            )
        },
    )

    def __post_init__(self) -> None:
        require_at_least(1, "process.max_files_per_batch", self.max_files_per_batch)
        require_at_least(0, "process.shuffle_partitions", self.shuffle_partitions)
        if not re.fullmatch(r"[1-9][0-9]*[kmgt]?b?", self.max_bytes_per_batch):
            raise ConfigError(
                'process.max_bytes_per_batch: expected a size like "512m", '
                f"got {self.max_bytes_per_batch!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What an event must look like. What fails a check is quarantined."""

    created_at_floor: datetime = field(
        default=CheckLimits.created_at_floor,
        metadata={"meaning": "Earlier events are quarantined."},
    )
    max_record_bytes: int = field(
        default=CheckLimits.max_record_bytes,
        metadata={
            "meaning": (
                "Larger records are quarantined without being parsed. Kinesis takes up to 10 MiB."
            )
        },
    )
    event_name_pattern: str = field(
        default=CheckLimits.event_name_pattern,
        metadata={"meaning": "The whole name must match this Java regular expression."},
    )
    max_event_names: int = field(
        default=1000,
        metadata={"meaning": "Each name is a folder. Events with further names are quarantined."},
    )

    def __post_init__(self) -> None:
        require_at_least(1, "checks.max_event_names", self.max_event_names)
        try:
            self.limits(max_future=timedelta(0))
        except InvalidSettingError as error:
            raise ConfigError(f"checks: {error}") from None

    def limits(self, max_future: timedelta) -> CheckLimits:
        """The argument of `transforms.validation.with_reasons`."""
        return CheckLimits(
            created_at_floor=self.created_at_floor,
            max_future=max_future,
            max_record_bytes=self.max_record_bytes,
            event_name_pattern=self.event_name_pattern,
        )


@dataclass(frozen=True, kw_only=True)
class Events:
    """How columns of the events table are derived."""

    subtype: Subtype = field(
        default="second_part",
        metadata={
            "meaning": (
                '"second_part": the event_subtype of payment:order:completed is "order". "rest": '
                'it is "order:completed".'
            )
        },
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All sections."""

    source: Source
    lake: Lake
    once: Once = field(default_factory=Once)
    stream: Stream = field(default_factory=Stream)
    process: Process = field(default_factory=Process)
    checks: Checks = field(default_factory=Checks)
    events: Events = field(default_factory=Events)
    format: Format = field(default_factory=Format)
    fields: tuple[Field, ...] = ()

    @property
    def limits(self) -> CheckLimits:
        """The argument of `transforms.validation.with_reasons`."""
        return self.checks.limits(self.once.max_future)
