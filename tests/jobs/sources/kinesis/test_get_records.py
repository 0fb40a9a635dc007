"""The fast parser gives what botocore's gives."""

import json

import botocore.session
import pytest
from botocore.parsers import JSONParser
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.kinesis.get_records import GetRecordsParser, MalformedAnswerError, Records

MODEL = botocore.session.get_session().get_service_model("kinesis")
GET_RECORDS = MODEL.operation_model("GetRecords").output_shape
LIST_SHARDS = MODEL.operation_model("ListShards").output_shape


def response(body, status_code=200):
    return {"body": body, "status_code": status_code, "headers": {"x-amzn-RequestId": "r"}}


def both(body):
    """The records that either parser reads, and the other members."""
    fast = GetRecordsParser().parse(response(body), GET_RECORDS)
    slow = JSONParser().parse(response(body), GET_RECORDS)
    records = fast.pop("Records"), Records.from_botocore(slow.pop("Records"))
    del fast["ResponseMetadata"], slow["ResponseMetadata"]
    return records, (fast, slow)


RECORD = {
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
def test_records_are_those_of_botocore(records):
    """Whole seconds and milliseconds, empty and non-UTF-8 data, keys beyond ASCII."""
    body = json.dumps({"Records": records, "MillisBehindLatest": 5, "NextShardIterator": "i"})
    (fast, slow), (rest, rest_of_botocore) = both(body.encode())
    assert fast == slow
    assert rest == rest_of_botocore == {"MillisBehindLatest": 5, "NextShardIterator": "i"}


def test_times_are_exact_to_the_millisecond():
    (fast, _), _ = both(json.dumps({"Records": [RECORD]}).encode())
    assert fast == Records([b"\xff\x00"], ["k"], [RECORD["SequenceNumber"]], [1763888000123000])


def test_an_answer_in_another_form_goes_to_botocore():
    """Servers write times as text, too."""
    record = RECORD | {"ApproximateArrivalTimestamp": "2025-11-23T08:53:20.123Z"}
    answer = GetRecordsParser().parse(
        response(json.dumps({"Records": [record]}).encode()), GET_RECORDS
    )
    assert Records.from_botocore(answer["Records"]).arrived_us == [1763888000123000]


@pytest.mark.parametrize("body", [b"", b'{"Records": [{"Seq', b"<html>"])
def test_an_answer_cut_short_is_no_empty_answer(body):
    """botocore takes it for one, and a reader for the end of the data."""
    with pytest.raises(MalformedAnswerError):
        GetRecordsParser().parse(response(body), GET_RECORDS)


def test_errors_and_other_operations_are_left_to_botocore():
    error = response(b'{"__type": "ExpiredIteratorException", "message": "m"}', 400)
    shards = response(b'{"Shards": []}')
    for given_response, shape in ((error, GET_RECORDS), (shards, LIST_SHARDS)):
        expected = JSONParser().parse(given_response, shape)
        assert GetRecordsParser().parse(given_response, shape) == expected


def test_a_part_of_records():
    records = Records([b"a", b"b", b"c"], ["k", "l", "m"], ["1", "2", "3"], [1, 2, 3])
    assert records.head(2) == Records([b"a", b"b"], ["k", "l"], ["1", "2"], [1, 2])
    assert len(records.head(2)) == 2
