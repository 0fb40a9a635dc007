"""Take events out of records that hold them in another form: compressed, several, enveloped."""

from transforms.unpacking.record_format import (
    PLAIN,
    Compression,
    Envelope,
    Framing,
    RecordFormat,
)
from transforms.unpacking.unpack import (
    WHOLE_RECORD,
    position_text,
    with_record_index,
    with_unpacked_events,
    with_unpacking_faults,
)

__all__ = [
    "PLAIN",
    "WHOLE_RECORD",
    "Compression",
    "Envelope",
    "Framing",
    "RecordFormat",
    "position_text",
    "with_record_index",
    "with_unpacked_events",
    "with_unpacking_faults",
]
