"""The API of the fake Kinesis: the JSON of a request in, the JSON of its answer out."""

from collections.abc import Callable

from tests.support.servers import fake_record_calls, fake_stream_calls
from tests.support.servers.fake_state import Answer, Kinesis, Request, open_token
from tests.support.servers.fake_streams import KinesisError


class KinesisApi(Kinesis):
    """All streams of a server, and the operations of clients on them."""

    def call(self, operation: str, request: Request) -> Answer:
        handler = _OPERATIONS.get(operation)
        if handler is None:
            raise KinesisError(
                "UnknownOperationException", f"Operation {operation} does not exist."
            )
        if self.required_arn and request.get("StreamARN") != self.required_arn:
            raise KinesisError("AccessDeniedException", "The StreamARN is missing.")
        return handler(self, request)

    def shard_of(self, operation: str, request: Request) -> str:
        """The shard that a call reads; empty for calls on whole streams. For faults and counts."""
        if operation == "GetRecords":
            return str(open_token(request.get("ShardIterator", "")).get("shard", ""))
        return str(request.get("ShardId", ""))


_OPERATIONS: dict[str, Callable[[Kinesis, Request], Answer]] = {
    "CreateStream": fake_stream_calls.create_stream,
    "DecreaseStreamRetentionPeriod": fake_stream_calls.set_retention,
    "DeleteStream": fake_stream_calls.delete_stream,
    "DescribeStream": fake_stream_calls.describe_stream,
    "DescribeStreamSummary": fake_stream_calls.describe_stream_summary,
    "GetRecords": fake_record_calls.get_records,
    "GetShardIterator": fake_record_calls.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": fake_stream_calls.set_retention,
    "ListShards": fake_stream_calls.list_shards,
    "ListStreams": fake_stream_calls.list_streams,
    "MergeShards": fake_stream_calls.merge_shards,
    "PutRecord": fake_record_calls.put_record,
    "PutRecords": fake_record_calls.put_records,
    "SplitShard": fake_stream_calls.split_shard,
    "UpdateShardCount": fake_stream_calls.update_shard_count,
}
