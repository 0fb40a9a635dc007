"""Every setting: its section, name, type and default. `config.py` reads them from all places.

A section is a frozen dataclass; a field without a default must be given by the user.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from jobs.errors import ConfigError
from transforms.enrichment.event_names import Subtype
from transforms.enrichment.promoted_fields import Field
from transforms.errors import InvalidSettingError
from transforms.validation.limits import CheckLimits

StateStore = Literal["rocksdb", "memory"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The Kinesis stream that events come from."""

    stream: str
    region: str = "us-east-1"
    endpoint_url: str = ""
    start: str = "TRIM_HORIZON"
    fail_on_data_loss: bool = True
    max_records_per_batch: int = 1_000_000
    reads_per_second: int = 5
    retry_timeout: timedelta = timedelta(minutes=2)

    def __post_init__(self) -> None:
        if not self.stream:
            raise ConfigError("source.stream must not be empty: it names the Kinesis stream")
        _at_least(0, "source.max_records_per_batch", self.max_records_per_batch)
        _at_least(0, "source.reads_per_second", self.reads_per_second)
        _longer_than_nothing("source.retry_timeout", self.retry_timeout)

    def options(self) -> dict[str, str]:
        """As options of the `kinesis` format."""
        return {
            "stream": self.stream,
            "region": self.region,
            "endpointUrl": self.endpoint_url,
            "startingPosition": self.start,
            "failOnDataLoss": str(self.fail_on_data_loss).lower(),
            "maxRecordsPerBatch": str(self.max_records_per_batch),
            "readsPerSecond": str(self.reads_per_second),
            "retryTimeout": f"{self.retry_timeout // timedelta(milliseconds=1)} milliseconds",
        }


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where the tables and the checkpoints stand: a path or an s3:// URI each."""

    raw: str
    processed: str
    checkpoints: str
    s3_endpoint_url: str = ""

    def __post_init__(self) -> None:
        places = ("raw", "processed", "checkpoints")
        folders = {place: str(getattr(self, place)).rstrip("/") for place in places}
        for place, folder in folders.items():
            if not folder:
                raise ConfigError(f"lake.{place} must not be empty: it is a path or an s3:// URI")
            for other, same in folders.items():
                if place < other and folder == same:
                    raise ConfigError(f"lake.{other} and lake.{place} are both {folder!r}")

    def checkpoint(self, query: str) -> str:
        """The folder of the query of this name."""
        return f"{self.checkpoints.rstrip('/')}/{query}"


@dataclass(frozen=True, kw_only=True)
class Once:
    """How long a twin is caught in state; the table is asked for older ones. Cost, never truth."""

    window: timedelta = timedelta(minutes=10)
    max_future: timedelta = timedelta(minutes=5)
    state_store: StateStore = "rocksdb"

    def __post_init__(self) -> None:
        _longer_than_nothing("once.window", self.window)
        if not timedelta(0) <= self.max_future <= self.window / 2:
            raise ConfigError(
                f"once.max_future must be at most half of once.window ({self.window}), so that a "
                f"twin of an event from the future is still in state; it is {self.max_future}"
            )


@dataclass(frozen=True, kw_only=True)
class Stream:
    """How often a batch starts."""

    trigger: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        _longer_than_nothing("stream.trigger", self.trigger)


@dataclass(frozen=True, kw_only=True)
class Process:
    """How raw records are taken into a batch, and spread."""

    max_files_per_batch: int = 1000
    max_bytes_per_batch: str = "512m"
    shuffle_partitions: int = 0

    def __post_init__(self) -> None:
        _at_least(1, "process.max_files_per_batch", self.max_files_per_batch)
        _at_least(0, "process.shuffle_partitions", self.shuffle_partitions)
        if not re.fullmatch(r"[1-9][0-9]*[kmgt]?b?", self.max_bytes_per_batch):
            raise ConfigError(
                'process.max_bytes_per_batch: wanted a size like "512m", '
                f"but got {self.max_bytes_per_batch!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What makes an event unfit for the table. `created_at` in the future is `once.max_future`."""

    created_at_floor: datetime = CheckLimits.created_at_floor
    max_record_bytes: int = CheckLimits.max_record_bytes
    event_name_pattern: str = CheckLimits.event_name_pattern
    max_event_names: int = 1000

    def __post_init__(self) -> None:
        _at_least(1, "checks.max_event_names", self.max_event_names)
        try:
            self.limits(max_future=timedelta(0))
        except InvalidSettingError as error:
            raise ConfigError(f"checks: {error}") from None

    def limits(self, max_future: timedelta) -> CheckLimits:
        """As `transforms` takes them."""
        return CheckLimits(
            created_at_floor=self.created_at_floor,
            max_future=max_future,
            max_record_bytes=self.max_record_bytes,
            event_name_pattern=self.event_name_pattern,
        )


@dataclass(frozen=True, kw_only=True)
class Events:
    """How columns of the events table are derived."""

    subtype: Subtype = "second_part"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All sections, read and checked."""

    source: Source
    lake: Lake
    once: Once = field(default_factory=Once)
    stream: Stream = field(default_factory=Stream)
    process: Process = field(default_factory=Process)
    checks: Checks = field(default_factory=Checks)
    events: Events = field(default_factory=Events)
    fields: tuple[Field, ...] = ()

    @property
    def limits(self) -> CheckLimits:
        """The checks as `transforms` takes them."""
        return self.checks.limits(self.once.max_future)


def _longer_than_nothing(name: str, duration: timedelta) -> None:
    if duration <= timedelta(0):
        raise ConfigError(f"{name} must be longer than nothing, but is {duration}")


def _at_least(least: int, name: str, value: int) -> None:
    if value < least:
        raise ConfigError(f"{name} must be at least {least}, but is {value}")
