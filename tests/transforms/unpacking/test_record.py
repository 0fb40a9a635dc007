"""A record is taken apart into its events, and no byte of it is lost if it cannot be."""

import gzip
import json
import zlib
from base64 import b64encode
from functools import partial

import pytest

from transforms.unpacking.record import Part, part_again, parts_of
from transforms.unpacking.record_format import RecordFormat

# Without the time of the compression, which would be in the ids of the tests.
_gzip = partial(gzip.compress, mtime=0)

A, B = b'{"event_uuid":"a","n":1.10}', b'{"event_uuid":"b"}'


def _parts(data: bytes, **form: object) -> list[bytes] | str:
    parts = parts_of(data, RecordFormat(**form))  # type: ignore[arg-type]
    return parts if isinstance(parts, str) else [part.data for part in parts]


@pytest.mark.parametrize(
    ("data", "compression", "expected"),
    [
        (_gzip(A), "gzip", [A]),
        (_gzip(A) + _gzip(b" "), "gzip", [A + b" "]),
        (_gzip(A), "auto", [A]),
        (zlib.compress(A), "zlib", [A]),
        (zlib.compress(A, 9), "auto", [A]),
        (A, "auto", [A]),
        (b"\xff\xfe", "auto", [b"\xff\xfe"]),
        (A, "gzip", "not_compressed"),
        (b"", "gzip", "not_compressed"),
        (_gzip(A)[:-3], "gzip", "not_compressed"),
        (_gzip(A) + b"x", "gzip", "not_compressed"),
        (zlib.compress(A), "gzip", "not_compressed"),
        (_gzip(bytes(2**26)), "gzip", [bytes(2**26)]),
        (_gzip(bytes(2**26 + 1)), "gzip", "too_large"),
        (zlib.compress(bytes(2**30)), "auto", "too_large"),
    ],
)
def test_compression(data: bytes, compression: str, expected: list[bytes] | str) -> None:
    """A record that is not whole is never read in part, and a bomb does not fill the memory."""
    assert _parts(data, compression=compression) == expected


@pytest.mark.parametrize(
    ("data", "framing", "expected"),
    [
        (A + b"\n" + B, "lines", [A, B]),
        (b"\n" + A + b"\r\n \r\n" + B + b"\n\n", "lines", [A, B]),
        (A + b"\nbroken\n" + B, "lines", [A, b"broken", B]),
        (A, "lines", [A]),
        (b"\xef\xbb\xbf" + A + b"\n" + B, "lines", [A, B]),
        (b" \n", "lines", "no_event"),
        (A + B, "concatenated", [A, B]),
        (b" " + A + b"\n\n" + B + b"\n", "concatenated", [A, B]),
        (A + b"{x}" + B + b"\n", "concatenated", [A, b"{x}" + B]),
        (b'{"a":"}{"}' + B, "concatenated", [b'{"a":"}{"}', B]),
        (b"", "concatenated", "no_event"),
        (b"[" + A + b"," + B + b"]", "array", [A, B]),
        (b" [ " + A + b"\n,\n" + B + b" ] ", "array", [A, B]),
        (A, "array", [A]),
        (b"[]", "array", "no_event"),
        (b"[ ]x", "array", [b"[ ]x"]),
        (b"[" + A + b",{x}," + B + b"]", "array", [A, b"{x}," + B + b"]"]),
        (b"[" + A + b"," + B, "array", [A, B]),
        (b"[" + A + b"," + B + b"] x", "array", [A, B + b"] x"]),
        (b"[" + A + b",]", "array", [A, b"]"]),
        (b"[1,[" + A + b"]]", "array", [b"1", b"[" + A + b"]"]),
        (b"\xff", "lines", "not_utf8"),
        (b"[" * 501 + b"]" * 501, "array", "unsupported_json"),
        (b'{"a":"' + b"[" * 501 + b'"}', "array", [b'{"a":"' + b"[" * 501 + b'"}']),
    ],
)
def test_framing(data: bytes, framing: str, expected: list[bytes] | str) -> None:
    """Each part is the text that came. What is no JSON is one part, up to the end of the record."""
    if data.endswith(b"," + B) and framing == "array":  # the array has no end
        expected = [A, B]
    assert _parts(data, framing=framing) == expected


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
CLOUDWATCH = {
    "owner": "111111111111",
    "logGroup": "CloudTrail/logs",
    "logStream": "111111111111_CloudTrail/logs_us-east-1",
    "subscriptionFilters": ["Destination"],
    "messageType": "DATA_MESSAGE",
    "logEvents": [
        {"id": "31953106606966983378809025079804211143289615424298221568",
         "timestamp": 1432826855000, "message": A.decode()},
        {"id": "31953106606966983378809025079804211143289615424298221569",
         "timestamp": 1432826855000, "message": "START RequestId: é"},
    ],
}  # fmt: skip
CONTROL = {
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "messageType": "CONTROL_MESSAGE",
    "logEvents": [
        {
            "id": "",
            "timestamp": 1432826855000,
            "message": "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.",
        }
    ],
}
# https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
EVENTBRIDGE = (
    b'{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"EC2 Instance '
    b'State-change Notification","source":"aws.ec2","account":"111122223333","time":'
    b'"2017-12-22T18:43:48Z","region":"us-west-1","resources":[],"detail": ' + A + b" }"
)
# https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.Kinesis.html
DMS = (
    b'{"data": ' + A + b', "metadata": {"timestamp":"2019-03-18T16:05:35.0Z","record-type":"data",'
    b'"operation":"load","partition-key-type":"primary-key","schema-name":"public",'
    b'"table-name":"example"}}'
)
DMS_CONTROL = (
    b'{"control":{"operation":"create-table"},"metadata":{"record-type":"control",'
    b'"operation":"create-table"}}'
)
# https://docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html
FIREHOSE = {
    "requestId": "ed4acda5-034f-9f42-bba1-f29aea6d7d8f",
    "timestamp": 1578090901599,
    "records": [{"data": b64encode(A).decode()}, {"data": b64encode(B).decode()}],
}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    ("data", "envelope", "expected"),
    [
        (_json(CLOUDWATCH), "cloudwatch_logs", [Part(A), Part("START RequestId: é".encode())]),
        (_json(CONTROL), "cloudwatch_logs", [Part(_json(CONTROL), "no_event")]),
        (EVENTBRIDGE, "eventbridge", [Part(A)]),
        (EVENTBRIDGE.replace(A, b"[]"), "eventbridge", None),
        (DMS, "dms", [Part(A)]),
        (DMS_CONTROL, "dms", [Part(DMS_CONTROL, "no_event")]),
        (_json(FIREHOSE), "firehose", [Part(A), Part(B)]),
        (b64encode(A), "base64", [Part(A)]),
        (b64encode(A) + b"\n", "base64", [Part(A)]),
        (_json(A.decode()), "json_string", [Part(A)]),
        (b'"\\ud800"', "json_string", [Part(b"\\ud800")]),
        (b'{"detail-type":"x","detail":{},"detail":{"a":1}}', "eventbridge", [Part(b'{"a":1}')]),
        *((A, each, None) for each in ("cloudwatch_logs", "eventbridge", "dms", "firehose")),
        *((A, each, None) for each in ("base64", "json_string")),
        (b"broken", "dms", None),
        (DMS + b"{}", "dms", None),
    ],
)
def test_envelopes(data: bytes, envelope: str, expected: list[Part] | None) -> None:
    """An event has its own text. What is in no such envelope is kept as it is, with the reason."""
    expected = [Part(data, "not_in_envelope")] if expected is None else expected
    assert parts_of(data, RecordFormat(envelope=envelope)) == expected  # type: ignore[arg-type]


def test_all_forms_at_once() -> None:
    """Compression is undone first, then the framing, then each envelope."""
    data = _gzip(_json(CLOUDWATCH) + b"\n" + _json(CONTROL) + b"\n" + A)
    form = RecordFormat("gzip", "lines", "cloudwatch_logs")

    assert parts_of(data, form) == [
        Part(A),
        Part("START RequestId: é".encode()),
        Part(_json(CONTROL), "no_event"),
        Part(A, "not_in_envelope"),
    ]


def test_a_part_is_taken_out_of_its_envelope_when_that_becomes_known() -> None:
    """A replayed part keeps its place, so an envelope of several events stays closed."""
    form = RecordFormat(framing="lines", envelope="eventbridge")
    assert part_again(EVENTBRIDGE, form) == Part(A)
    assert part_again(A, form) == Part(A)
    assert part_again(b"\xff", form) == Part(b"\xff")
    firehose = RecordFormat(framing="lines", envelope="firehose")
    assert part_again(_json(FIREHOSE), firehose) == Part(_json(FIREHOSE))
