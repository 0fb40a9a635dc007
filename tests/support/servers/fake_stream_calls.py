"""The operations of the fake Kinesis on streams: create, describe, list and reshard them."""

from typing import Any

from tests.support.servers.fake_state import Answer, Kinesis, Request, open_token, token
from tests.support.servers.fake_streams import ACCOUNT, KinesisError, Stream, invalid


def create_stream(kinesis: Kinesis, request: Request) -> Answer:
    name = request["StreamName"]
    if name in kinesis.streams:
        message = f"Stream {name} under account {ACCOUNT} already exists."
        raise KinesisError("ResourceInUseException", message)
    kinesis.streams[name] = Stream(name, request.get("ShardCount", 4), kinesis.clock.now_ms)
    return {}


def delete_stream(kinesis: Kinesis, request: Request) -> Answer:
    del kinesis.streams[kinesis.stream(request).name]
    return {}


def list_streams(kinesis: Kinesis, request: Request) -> Answer:
    return {"StreamNames": sorted(kinesis.streams), "HasMoreStreams": False}


def describe_stream_summary(kinesis: Kinesis, request: Request) -> Answer:
    stream = kinesis.stream(request)
    summary = {**_described(stream), "OpenShardCount": len(stream.open_shards())}
    return {"StreamDescriptionSummary": summary}


def describe_stream(kinesis: Kinesis, request: Request) -> Answer:
    stream = kinesis.stream(request)
    after = request.get("ExclusiveStartShardId", "")
    shards = [shard for shard in stream.shards.values() if shard.id > after]
    page = shards[: request.get("Limit", 100)]
    more = len(shards) > len(page)
    listing = {"Shards": [shard.described() for shard in page], "HasMoreShards": more}
    return {"StreamDescription": {**_described(stream), **listing}}


def set_retention(kinesis: Kinesis, request: Request) -> Answer:
    kinesis.stream(request).retention_hours = request["RetentionPeriodHours"]
    return {}


def list_shards(kinesis: Kinesis, request: Request) -> Answer:
    if "NextToken" in request:
        if "StreamName" in request:
            raise invalid("NextToken and StreamName cannot be provided together.")
        request = open_token(request["NextToken"])
    stream = kinesis.stream(request)
    shard_filter = request.get("ShardFilter", {})
    after = request.get("ExclusiveStartShardId") or shard_filter.get("ShardId", "")
    only_open = shard_filter.get("Type") == "AT_LATEST"
    candidates = stream.open_shards() if only_open else stream.shards.values()
    shards = sorted((s for s in candidates if s.id > after), key=lambda shard: shard.id)
    page = shards[: min(kinesis.shards_per_listing, request.get("MaxResults", 1000))]
    answer: dict[str, Any] = {"Shards": [shard.described() for shard in page]}
    if len(shards) > len(page):
        answer["NextToken"] = token(**{**request, "ExclusiveStartShardId": page[-1].id})
    return answer


def split_shard(kinesis: Kinesis, request: Request) -> Answer:
    kinesis.stream(request).split(request["ShardToSplit"], int(request["NewStartingHashKey"]))
    return {}


def merge_shards(kinesis: Kinesis, request: Request) -> Answer:
    kinesis.stream(request).merge(request["ShardToMerge"], request["AdjacentShardToMerge"])
    return {}


def update_shard_count(kinesis: Kinesis, request: Request) -> Answer:
    stream = kinesis.stream(request)
    before, target = len(stream.open_shards()), request["TargetShardCount"]
    stream.scale(target)
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardCount": before,
        "TargetShardCount": target,
    }


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
