"""The audit takes records apart by other means than the pipeline, with the same result."""

import gzip
import json
import zlib
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.audit.reference_unpacking import record_parts
from tests.transforms.unpacking import test_record as cases
from transforms.unpacking import Compression, Envelope, Framing, RecordFormat
from transforms.unpacking.record import parts_of

FORMS = [
    RecordFormat(*each)
    for each in product(get_args(Compression), get_args(Framing), get_args(Envelope))
]
RECORDS: list[str | bytes] = [
    *(cases.A, cases.B, cases.EVENTBRIDGE, cases.DMS, cases.DMS_CONTROL),
    *map(json.dumps, (cases.CLOUDWATCH, cases.CONTROL, cases.FIREHOSE, cases.A.decode())),
    *("", " ", "[]", "[ ]x", "[1,2", "[1,]", "{}{x}{}", "[{},{x},{}]", "NaN 01 -", "null\n\r\n1"),
    *('"', '"\\ud800"', "[" * 501, '{"a":[}', '[{"a":"]"},"b"]', "YQ==", "é\n\ufeff", "[1 2]"),
]
PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', '"a"', "1", "-0.5e3", "null", " ", "\n", "\\", "{}", "x"]
)


def _by_pipeline(data: bytes, form: RecordFormat) -> list[bytes] | None:
    parts = parts_of(data, form)
    return None if isinstance(parts, str) else [part.data for part in parts]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form}")
def test_both_ways_have_the_same_parts_of_known_records(form: RecordFormat) -> None:
    """Also of records that are in another form than the format says."""
    plain = [text if isinstance(text, bytes) else text.encode() for text in RECORDS]
    packed = [*plain, *map(gzip.compress, plain[:4]), *map(zlib.compress, plain[:4]), b"\xff"]

    differing = [data for data in packed if record_parts(data, form) != _by_pipeline(data, form)]

    assert differing == []


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from(get_args(Framing)))
def test_both_ways_have_the_same_parts_of_any_text(text: str, framing: Framing) -> None:
    """A difference would be a violation in a report, though nothing is wrong."""
    form = RecordFormat(framing=framing)
    assert record_parts(text.encode(), form) == _by_pipeline(text.encode(), form)
