"""Quarantine proposes the setting with which a record in another form can be read."""

import gzip
import json
import zlib
from base64 import b64encode

from pyspark.sql import SparkSession

from tests.support.frames import in_order, raw_frame
from tests.transforms.unpacking import test_record as forms
from transforms.compose import compose
from transforms.parsing import with_parsed_json, with_times
from transforms.validation.checks import with_reasons

A = forms.A

HINTS = [
    (gzip.compress(A), 'looks like gzip: set source.format.compression = "gzip"'),
    (zlib.compress(A), 'looks like zlib: set source.format.compression = "zlib"'),
    (b64encode(A), 'looks like base64: set source.format.envelope = "base64"'),
    (A + b"\n" + A, 'looks like an event on each line: set source.format.framing = "lines"'),
    (A + A, 'one after the other: set source.format.framing = "concatenated"'),
    (b"[" + A + b"]", 'looks like an array of events: set source.format.framing = "array"'),
    (
        json.dumps(A.decode()).encode(),
        'looks like JSON in a JSON string: set source.format.envelope = "json_string"',
    ),
    (json.dumps(forms.CLOUDWATCH).encode(), 'set source.format.envelope = "cloudwatch_logs"'),
    (forms.EVENTBRIDGE, 'set source.format.envelope = "eventbridge"'),
    (forms.DMS, 'set source.format.envelope = "dms"'),
    (json.dumps(forms.FIREHOSE).encode(), 'set source.format.envelope = "firehose"'),
]
NO_HINTS = [b"garbage", b"{}", b"[1]", b'"text"', b"{}x", b"\xff\xfe", b"1", A]


def test_a_form_that_is_recognized_has_a_hint(spark: SparkSession) -> None:
    """It stands whole in detail, which has a limited length. Nothing else has one."""
    records = [data for data, _ in HINTS] + NO_HINTS
    to_reasons = compose(with_parsed_json(), with_times(), with_reasons())

    details = [
        text for (text,) in in_order(raw_frame(spark, records).transform(to_reasons), "detail")
    ]

    assert [hint in detail for (_, hint), detail in zip(HINTS, details, strict=False)] == [
        True
    ] * 11
    assert all("looks like" not in detail for detail in details[len(HINTS) :])
