"""The operations of the fake Kinesis on records: put them, find a position, read from it."""

import base64
import json
from typing import Any

from tests.support.servers.fake_state import Answer, Kinesis, Request, open_token, token
from tests.support.servers.fake_streams import KinesisError, Shard, Stream, invalid

ITERATOR_LIFE_MS = 300_000
MAX_PUT_RECORDS = 500


def put_record(kinesis: Kinesis, request: Request) -> Answer:
    shard_id, sequence_number = _put(kinesis, kinesis.stream(request), request)
    return {"ShardId": shard_id, "SequenceNumber": sequence_number}


def put_records(kinesis: Kinesis, request: Request) -> Answer:
    stream, records = kinesis.stream(request), request["Records"]
    if not 1 <= len(records) <= MAX_PUT_RECORDS:
        raise invalid(f"PutRecords accepts 1 to {MAX_PUT_RECORDS} records, got {len(records)}.")
    placed = [_put(kinesis, stream, record) for record in records]
    answers = [{"ShardId": shard, "SequenceNumber": number} for shard, number in placed]
    return {"FailedRecordCount": 0, "Records": answers}


def _put(kinesis: Kinesis, stream: Stream, record: Request) -> tuple[str, str]:
    key = record["PartitionKey"]
    if not 1 <= len(key) <= 256:
        raise KinesisError("ValidationException", "A partition key has 1 to 256 characters.")
    data = base64.b64decode(record["Data"])
    arrival_ms = kinesis.clock.now_ms() + kinesis.arrival_shift_ms
    return stream.put(data, key, record.get("ExplicitHashKey"), arrival_ms)


def get_shard_iterator(kinesis: Kinesis, request: Request) -> Answer:
    stream = kinesis.stream(request)
    shard = stream.shard(request["ShardId"])
    shard.trim_before(stream.horizon_ms())
    return {"ShardIterator": _iterator(kinesis, stream, shard, _start(kinesis, shard, request))}


def _start(kinesis: Kinesis, shard: Shard, request: Request) -> int:
    kind = request["ShardIteratorType"]
    if kind == "TRIM_HORIZON":
        return shard.log.first
    if kind == "LATEST":
        return shard.log.end
    if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
        number = request.get("StartingSequenceNumber", "")
        return shard.position(number, after=kind == "AFTER_SEQUENCE_NUMBER")
    if kind == "AT_TIMESTAMP":
        start_ms, now_ms = round(request["Timestamp"] * 1000), kinesis.clock.now_ms()
        if start_ms > now_ms:
            raise invalid(
                "The timestampInMillis parameter cannot be greater than the "
                f"currentTimestampInMillis. timestampInMillis: {start_ms}, "
                f"currentTimestampInMillis: {now_ms}"
            )
        return shard.log.at_time(start_ms)
    raise KinesisError("ValidationException", f"ShardIteratorType {kind} does not exist.")


def _iterator(kinesis: Kinesis, stream: Stream, shard: Shard, index: int) -> str:
    return token(stream=stream.name, shard=shard.id, next=index, issued=kinesis.clock.now_ms())


def get_records(kinesis: Kinesis, request: Request) -> Answer:
    iterator = open_token(request["ShardIterator"])
    if not iterator:
        raise invalid("Invalid ShardIterator.")
    now_ms, issued_ms = kinesis.clock.now_ms(), iterator["issued"]
    if now_ms - issued_ms > ITERATOR_LIFE_MS or issued_ms < kinesis.expired_before_ms:
        message = f"Iterator expired. It was created at {issued_ms} while it is {now_ms} now."
        raise KinesisError("ExpiredIteratorException", message)
    stream = kinesis.stream({"StreamName": iterator["stream"]})
    shard = stream.shard(iterator["shard"])
    shard.trim_before(stream.horizon_ms())
    limit = min(request.get("Limit", 10_000), kinesis.max_page_records)
    # A trimmed position continues with the oldest record, without an error.
    page = shard.log.page(max(iterator["next"], shard.log.first), limit)
    answer: dict[str, Any] = {"MillisBehindLatest": _lag_ms(kinesis, shard, page.stop)}
    if page.stop >= shard.log.end and shard.closed:
        answer["ChildShards"] = [_child(child) for child in stream.children(shard)]
    else:
        answer["NextShardIterator"] = _iterator(kinesis, stream, shard, page.stop)
    return json.dumps(answer)[:-1].encode() + b',"Records":[' + page.encoded + b"]}"


def empty_page(kinesis: Kinesis, request: Request) -> Answer:
    """An answer without records although there are some, as Kinesis sometimes returns."""
    iterator = open_token(request["ShardIterator"])
    renewed = token(**{**iterator, "issued": kinesis.clock.now_ms()})
    return {"MillisBehindLatest": 60_000, "NextShardIterator": renewed, "Records": []}


def _lag_ms(kinesis: Kinesis, shard: Shard, index: int) -> int:
    if index >= shard.log.end:
        return 0
    return max(1, kinesis.clock.now_ms() - shard.log.arrival_ms(index))


def _child(shard: Shard) -> dict[str, Any]:
    parents = list(shard.parents)
    return {"ShardId": shard.id, "ParentShards": parents, "HashKeyRange": shard.hash_range()}
