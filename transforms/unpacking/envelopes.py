"""Take the events out of an envelope, each with its own text, unchanged.

| envelope | the events in it | described at |
|---|---|---|
| `cloudwatch_logs` | `logEvents[].message`, a text | https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html |
| `eventbridge` | `detail`, an object | https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html |
| `dms` | `data`, an object | https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html |
| `firehose` | `records[].data`, a text in base64 | https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html |
| `base64` | the whole record is a text in base64 | RFC 4648 |
| `json_string` | the whole record is a JSON string, its content the event | RFC 8259 |

An envelope that holds no event, such as the control messages of CloudWatch Logs and DMS, gives none.
"""  # noqa: E501

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

from transforms.unpacking.json_text import NotJsonError, array_items, members
from transforms.unpacking.record_format import Envelope


class NotInEnvelopeError(Exception):
    """The text is not an envelope of this kind."""


def opened(text: str, envelope: Envelope) -> list[bytes]:
    """The bytes of each event in the envelope.

    Raises:
        NotInEnvelopeError: the text is not an envelope of this kind.
    """
    try:
        return _OPENERS[envelope](text)
    except (NotJsonError, KeyError, TypeError, ValueError) as error:
        raise NotInEnvelopeError(f"{envelope}: {error!r}") from None


def _cloudwatch_logs(text: str) -> list[bytes]:
    envelope = members(text)
    if json.loads(envelope["messageType"]) == "CONTROL_MESSAGE":
        return []
    events = [members(item) for item in array_items(envelope["logEvents"])]
    return [_text(event["message"]) for event in events]


def _eventbridge(text: str) -> list[bytes]:
    envelope = members(text)
    _ = envelope["detail-type"]
    return [_object(envelope["detail"])]


def _dms(text: str) -> list[bytes]:
    envelope = members(text)
    metadata = members(envelope["metadata"])
    if json.loads(metadata["record-type"]) == "control":
        return []
    return [_object(envelope["data"])]


def _firehose(text: str) -> list[bytes]:
    records = [members(item) for item in array_items(members(text)["records"])]
    return [_from_base64(_text(record["data"]).decode()) for record in records]


def _base64(text: str) -> list[bytes]:
    return [_from_base64(text.strip())]


def _json_string(text: str) -> list[bytes]:
    return [_text(text)]


def _text(json_text: str) -> bytes:
    """The content of a JSON string. Half of a surrogate pair is kept as its escape."""
    value: Any = json.loads(json_text)
    if not isinstance(value, str):
        raise TypeError(f"expected a JSON string, got {type(value).__name__}")
    return value.encode("utf-8", "backslashreplace")


def _object(json_text: str) -> bytes:
    if not json_text.startswith("{"):
        raise TypeError("expected a JSON object")
    return json_text.encode()


def _from_base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error as error:
        raise ValueError(f"not base64: {error}") from None


_OPENERS: dict[Envelope, Callable[[str], list[bytes]]] = {
    "none": lambda text: [text.encode()],
    "cloudwatch_logs": _cloudwatch_logs,
    "eventbridge": _eventbridge,
    "dms": _dms,
    "firehose": _firehose,
    "base64": _base64,
    "json_string": _json_string,
}
