"""What a record of the stream holds."""

from dataclasses import dataclass
from typing import Literal, get_args

from transforms.errors import InvalidSettingError

Compression = Literal["none", "gzip", "zlib", "auto"]
Framing = Literal["single", "lines", "concatenated", "array"]
Envelope = Literal[
    "none", "cloudwatch_logs", "eventbridge", "dms", "firehose", "base64", "json_string"
]


@dataclass(frozen=True)
class RecordFormat:
    """The form in which a record holds its events. It is undone in this order.

    compression: `auto` decompresses what begins like gzip or zlib, and leaves the rest as it is.
    framing:     `single`: one value; `lines`: one on each line that is not blank; `concatenated`:
                 one after the other; `array`: the items of one JSON array, or a single value.
    envelope:    what each of these values is, if it is not the event itself.

    Raises:
        InvalidSettingError: a value is not one of the above.
    """

    compression: Compression = "none"
    framing: Framing = "single"
    envelope: Envelope = "none"

    def __post_init__(self) -> None:
        for name, kind in (
            ("compression", Compression),
            ("framing", Framing),
            ("envelope", Envelope),
        ):
            if getattr(self, name) not in get_args(kind):
                raise InvalidSettingError(
                    f"RecordFormat({name})", f"one of {list(get_args(kind))}", getattr(self, name)
                )

    @property
    def is_plain(self) -> bool:
        """True if a record is the event itself, and nothing is to be undone."""
        return self == PLAIN


PLAIN = RecordFormat()
