"""The operations of the fake Kinesis: a request's JSON in, an answer's JSON out.

An answer is a dict, but for GetRecords: its records are stored as encoded text, so it is bytes.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from tests.servers.fake_streams import ACCOUNT, KinesisError, Shard, Stream, invalid

Request = dict[str, Any]
Answer = dict[str, Any] | bytes

ITERATOR_LIFE_MS = 300_000
MAX_PUT_RECORDS = 500


class Clock:
    """Wall time in milliseconds, which tests may set forward instead of waiting."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


class KinesisApi:
    """All streams of a server, and what a client may ask of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.streams: dict[str, Stream] = {}
        # Added to the arrival time of records that are put: arrival times can be made to go back.
        self.arrival_shift_ms = 0
        self.max_page_records = 10_000
        self.shards_per_listing = 1000
        self.expired_before_ms = 0

    def call(self, operation: str, request: Request) -> Answer:
        handler = _OPERATIONS.get(operation)
        if handler is None:
            raise KinesisError("UnknownOperationException", f"{operation} is not known.")
        return handler(self, request)

    def stream(self, request: Request) -> Stream:
        """The stream that a request names, or that its ARN names."""
        name = request.get("StreamName") or request.get("StreamARN", "").rpartition("/")[2]
        if name not in self.streams:
            message = f"Stream {name} under account {ACCOUNT} not found."
            raise KinesisError("ResourceNotFoundException", message)
        return self.streams[name]

    def shard_asked(self, operation: str, request: Request) -> str:
        """The shard that a call reads, empty for calls on whole streams: for faults and counts."""
        if operation == "GetRecords":
            return str(_open_token(request.get("ShardIterator", "")).get("shard", ""))
        return str(request.get("ShardId", ""))

    # Streams

    def create_stream(self, request: Request) -> Answer:
        name = request["StreamName"]
        if name in self.streams:
            message = f"Stream {name} under account {ACCOUNT} already exists."
            raise KinesisError("ResourceInUseException", message)
        self.streams[name] = Stream(name, request.get("ShardCount", 4), self.clock.now_ms)
        return {}

    def delete_stream(self, request: Request) -> Answer:
        del self.streams[self.stream(request).name]
        return {}

    def list_streams(self, request: Request) -> Answer:
        return {"StreamNames": sorted(self.streams), "HasMoreStreams": False}

    def describe_stream_summary(self, request: Request) -> Answer:
        stream = self.stream(request)
        summary = {**_described(stream), "OpenShardCount": len(stream.open_shards())}
        return {"StreamDescriptionSummary": summary}

    def describe_stream(self, request: Request) -> Answer:
        stream = self.stream(request)
        after = request.get("ExclusiveStartShardId", "")
        shards = [shard for shard in stream.shards.values() if shard.id > after]
        page = shards[: request.get("Limit", 100)]
        more = len(shards) > len(page)
        listing = {"Shards": [shard.described() for shard in page], "HasMoreShards": more}
        return {"StreamDescription": {**_described(stream), **listing}}

    def set_retention(self, request: Request) -> Answer:
        self.stream(request).retention_hours = request["RetentionPeriodHours"]
        return {}

    # Shards

    def list_shards(self, request: Request) -> Answer:
        if "NextToken" in request:
            if "StreamName" in request:
                raise invalid("NextToken and StreamName cannot be provided together.")
            request = _open_token(request["NextToken"])
        stream = self.stream(request)
        shard_filter = request.get("ShardFilter", {})
        after = request.get("ExclusiveStartShardId") or shard_filter.get("ShardId", "")
        only_open = shard_filter.get("Type") == "AT_LATEST"
        candidates = stream.open_shards() if only_open else stream.shards.values()
        shards = sorted((s for s in candidates if s.id > after), key=lambda shard: shard.id)
        page = shards[: min(self.shards_per_listing, request.get("MaxResults", 1000))]
        answer: dict[str, Any] = {"Shards": [shard.described() for shard in page]}
        if len(shards) > len(page):
            answer["NextToken"] = _token(**{**request, "ExclusiveStartShardId": page[-1].id})
        return answer

    def split_shard(self, request: Request) -> Answer:
        self.stream(request).split(request["ShardToSplit"], int(request["NewStartingHashKey"]))
        return {}

    def merge_shards(self, request: Request) -> Answer:
        self.stream(request).merge(request["ShardToMerge"], request["AdjacentShardToMerge"])
        return {}

    def update_shard_count(self, request: Request) -> Answer:
        stream = self.stream(request)
        before, wanted = len(stream.open_shards()), request["TargetShardCount"]
        stream.scale(wanted)
        return {
            "StreamName": stream.name,
            "StreamARN": stream.arn,
            "CurrentShardCount": before,
            "TargetShardCount": wanted,
        }

    # Records

    def put_record(self, request: Request) -> Answer:
        shard_id, sequence_number = self._put(self.stream(request), request)
        return {"ShardId": shard_id, "SequenceNumber": sequence_number}

    def put_records(self, request: Request) -> Answer:
        stream, records = self.stream(request), request["Records"]
        if not 1 <= len(records) <= MAX_PUT_RECORDS:
            raise invalid(f"PutRecords takes 1 to {MAX_PUT_RECORDS} records, not {len(records)}.")
        placed = [self._put(stream, record) for record in records]
        answers = [{"ShardId": shard, "SequenceNumber": number} for shard, number in placed]
        return {"FailedRecordCount": 0, "Records": answers}

    def _put(self, stream: Stream, record: Request) -> tuple[str, str]:
        key = record["PartitionKey"]
        if not 1 <= len(key) <= 256:
            raise KinesisError("ValidationException", "A partition key has 1 to 256 characters.")
        data = base64.b64decode(record["Data"])
        arrival_ms = self.clock.now_ms() + self.arrival_shift_ms
        return stream.put(data, key, record.get("ExplicitHashKey"), arrival_ms)

    def get_shard_iterator(self, request: Request) -> Answer:
        stream = self.stream(request)
        shard = stream.shard(request["ShardId"])
        shard.trim_before(stream.horizon_ms())
        return {"ShardIterator": self._iterator(stream, shard, self._start(shard, request))}

    def _start(self, shard: Shard, request: Request) -> int:
        kind = request["ShardIteratorType"]
        if kind == "TRIM_HORIZON":
            return shard.log.first
        if kind == "LATEST":
            return shard.log.end
        if kind in ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"):
            number = request.get("StartingSequenceNumber", "")
            return shard.position(number, after=kind == "AFTER_SEQUENCE_NUMBER")
        if kind == "AT_TIMESTAMP":
            wanted_ms, now_ms = round(request["Timestamp"] * 1000), self.clock.now_ms()
            if wanted_ms > now_ms:
                raise invalid(
                    "The timestampInMillis parameter cannot be greater than the "
                    f"currentTimestampInMillis. timestampInMillis: {wanted_ms}, "
                    f"currentTimestampInMillis: {now_ms}"
                )
            return shard.log.at_time(wanted_ms)
        raise KinesisError("ValidationException", f"ShardIteratorType {kind} is not known.")

    def _iterator(self, stream: Stream, shard: Shard, index: int) -> str:
        return _token(stream=stream.name, shard=shard.id, next=index, issued=self.clock.now_ms())

    def get_records(self, request: Request) -> Answer:
        iterator = _open_token(request["ShardIterator"])
        if not iterator:
            raise invalid("Invalid ShardIterator.")
        now_ms, issued_ms = self.clock.now_ms(), iterator["issued"]
        if now_ms - issued_ms > ITERATOR_LIFE_MS or issued_ms < self.expired_before_ms:
            message = f"Iterator expired. It was created at {issued_ms} while it is {now_ms} now."
            raise KinesisError("ExpiredIteratorException", message)
        stream = self.stream({"StreamName": iterator["stream"]})
        shard = stream.shard(iterator["shard"])
        shard.trim_before(stream.horizon_ms())
        limit = min(request.get("Limit", 10_000), self.max_page_records)
        # A position that was trimmed away reads on from the oldest record, without a word.
        page = shard.log.page(max(iterator["next"], shard.log.first), limit)
        answer: dict[str, Any] = {"MillisBehindLatest": self._behind_ms(shard, page.stop)}
        if page.stop >= shard.log.end and shard.closed:
            answer["ChildShards"] = [_child(child) for child in stream.children(shard)]
        else:
            answer["NextShardIterator"] = self._iterator(stream, shard, page.stop)
        return json.dumps(answer)[:-1].encode() + b',"Records":[' + page.encoded + b"]}"

    def empty_page(self, request: Request) -> Answer:
        """An answer without records although there are some, as Kinesis gives now and then."""
        iterator = _open_token(request["ShardIterator"])
        token = _token(**{**iterator, "issued": self.clock.now_ms()})
        return {"MillisBehindLatest": 60_000, "NextShardIterator": token, "Records": []}

    def _behind_ms(self, shard: Shard, index: int) -> int:
        if index >= shard.log.end:
            return 0
        return max(1, self.clock.now_ms() - shard.log.arrival_ms(index))


def _described(stream: Stream) -> dict[str, Any]:
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": stream.retention_hours,
        "StreamCreationTimestamp": stream.created_ms / 1000,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }


def _child(shard: Shard) -> dict[str, Any]:
    parents = list(shard.parents)
    return {"ShardId": shard.id, "ParentShards": parents, "HashKeyRange": shard.hash_range()}


def _token(**content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _open_token(token: str) -> dict[str, Any]:
    """What `_token` put in; empty if this server never made it."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


_OPERATIONS: dict[str, Callable[[KinesisApi, Request], Answer]] = {
    "CreateStream": KinesisApi.create_stream,
    "DecreaseStreamRetentionPeriod": KinesisApi.set_retention,
    "DeleteStream": KinesisApi.delete_stream,
    "DescribeStream": KinesisApi.describe_stream,
    "DescribeStreamSummary": KinesisApi.describe_stream_summary,
    "GetRecords": KinesisApi.get_records,
    "GetShardIterator": KinesisApi.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": KinesisApi.set_retention,
    "ListShards": KinesisApi.list_shards,
    "ListStreams": KinesisApi.list_streams,
    "MergeShards": KinesisApi.merge_shards,
    "PutRecord": KinesisApi.put_record,
    "PutRecords": KinesisApi.put_records,
    "SplitShard": KinesisApi.split_shard,
    "UpdateShardCount": KinesisApi.update_shard_count,
}
