"""What a record of the stream holds: the settings of `[source.format]`."""

from dataclasses import dataclass, field

from jobs.errors import ConfigError
from transforms.errors import InvalidSettingError
from transforms.parsing import DEFAULT_PATHS, MemberPaths
from transforms.unpacking import Compression, Envelope, Framing, RecordFormat


@dataclass(frozen=True, kw_only=True)
class Format:
    """The form in which a record holds its events, if it is not one JSON object by itself."""

    compression: Compression = field(
        default="none",
        metadata={
            "meaning": "How a record is compressed. auto: what begins like gzip or zlib, only."
        },
    )
    framing: Framing = field(
        default="single",
        metadata={
            "meaning": (
                "How several events are put into one record: a line each, one after the other, or "
                "the items of a JSON array."
            )
        },
    )
    envelope: Envelope = field(
        default="none", metadata={"meaning": "The envelope that each event is in."}
    )
    event_uuid: str = field(
        default=DEFAULT_PATHS.event_uuid,
        metadata={"meaning": "Where the identifier is in the JSON of an event."},
    )
    event_name: str = field(
        default=DEFAULT_PATHS.event_name,
        metadata={"meaning": "Where the name is in the JSON of an event."},
    )
    created_at: str = field(
        default=DEFAULT_PATHS.created_at,
        metadata={"meaning": "Where the time is in the JSON of an event."},
    )

    def __post_init__(self) -> None:
        try:
            _ = self.paths
        except InvalidSettingError as error:
            raise ConfigError(f"source.format: {error}") from None

    @property
    def record_format(self) -> RecordFormat:
        """The argument of `transforms.unpacking.with_unpacked_events`."""
        return RecordFormat(self.compression, self.framing, self.envelope)

    @property
    def paths(self) -> MemberPaths:
        """The argument of `transforms.parsing.with_parsed_json`."""
        return MemberPaths(self.event_uuid, self.event_name, self.created_at)
