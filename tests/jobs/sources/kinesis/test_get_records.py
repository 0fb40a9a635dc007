"""The fast parser gives the same records as the parser of botocore."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.kinesis.get_records import GetRecordsParser, MalformedAnswerError, Records

Answer = dict[str, Any]

MODEL = botocore.session.get_session().get_service_model("kinesis")
GET_RECORDS = MODEL.shape_for("GetRecordsOutput")
LIST_SHARDS = MODEL.shape_for("ListShardsOutput")


def response(body: bytes, status_code: int = 200) -> dict[str, Any]:
    return {"body": body, "status_code": status_code, "headers": {"x-amzn-RequestId": "r"}}


def both(body: bytes) -> tuple[tuple[Records, Records], tuple[Answer, Answer]]:
    """The records from both parsers, and the other members of both answers."""
    fast = GetRecordsParser().parse(response(body), GET_RECORDS)
    slow = JSONParser().parse(response(body), GET_RECORDS)
    records = fast.pop("Records"), Records.from_botocore(slow.pop("Records"))
    del fast["ResponseMetadata"], slow["ResponseMetadata"]
    return records, (fast, slow)


RECORD: dict[str, Any] = {
    "SequenceNumber": "49680473682345329436111589224402326280940670587471134722",
    "PartitionKey": "k",
    "Data": "/wA=",
    "ApproximateArrivalTimestamp": 1763888000.123,
}


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "SequenceNumber": st.integers(0, 2**186).map(str),
                "PartitionKey": st.text(min_size=1, max_size=10),
                "Data": st.sampled_from(["", "AA==", "/wA=", "e30="]),
                "ApproximateArrivalTimestamp": st.one_of(
                    st.integers(0, 2_000_000_000),
                    st.integers(0, 2_000_000_000_000).map(lambda ms: ms / 1000),
                ),
            }
        )
    )
)
def test_records_are_those_of_botocore(records: list[dict[str, Any]]) -> None:
    """Whole seconds and milliseconds, empty and non-UTF-8 data, keys beyond ASCII."""
    body = json.dumps({"Records": records, "MillisBehindLatest": 5, "NextShardIterator": "i"})
    (fast, slow), (rest, rest_of_botocore) = both(body.encode())
    assert fast == slow
    assert rest == rest_of_botocore == {"MillisBehindLatest": 5, "NextShardIterator": "i"}


def test_times_are_exact_to_the_millisecond() -> None:
    (fast, _), _ = both(json.dumps({"Records": [RECORD]}).encode())
    assert fast == Records([b"\xff\x00"], ["k"], [RECORD["SequenceNumber"]], [1763888000123000])


def test_an_answer_in_another_form_goes_to_botocore() -> None:
    """Some servers write times as text."""
    record = RECORD | {"ApproximateArrivalTimestamp": "2025-11-23T08:53:20.123Z"}
    answer = GetRecordsParser().parse(
        response(json.dumps({"Records": [record]}).encode()), GET_RECORDS
    )
    assert Records.from_botocore(answer["Records"]).arrived_us == [1763888000123000]


@pytest.mark.parametrize("body", [b"", b'{"Records": [{"Seq', b"<html>"])
def test_a_truncated_answer_is_an_error(body: bytes) -> None:
    """botocore returns an empty answer, which a reader would take for the end of the data."""
    with pytest.raises(MalformedAnswerError):
        GetRecordsParser().parse(response(body), GET_RECORDS)


def test_errors_and_other_operations_are_parsed_by_botocore() -> None:
    error = response(b'{"__type": "ExpiredIteratorException", "message": "m"}', 400)
    shards = response(b'{"Shards": []}')
    for given_response, shape in ((error, GET_RECORDS), (shards, LIST_SHARDS)):
        expected = JSONParser().parse(given_response, shape)
        assert GetRecordsParser().parse(given_response, shape) == expected


def test_the_head_of_records_has_all_columns() -> None:
    records = Records([b"a", b"b", b"c"], ["k", "l", "m"], ["1", "2", "3"], [1, 2, 3])
    assert records.head(2) == Records([b"a", b"b"], ["k", "l"], ["1", "2"], [1, 2])
    assert len(records.head(2)) == 2
