"""The content of a stream, read without the source: by boto3 and Amazon's library for Python."""

from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from aws_kinesis_agg import MAGIC
from aws_kinesis_agg.deaggregator import iter_deaggregate_records

from tests.support.servers import Server


class KinesisRecord(NamedTuple):
    """A record of a shard, as boto3 returns it."""

    shard_id: str
    record: dict[str, Any]

    @property
    def is_aggregated(self) -> bool:
        """Whether it begins as the KPL begins a record that contains user records."""
        return bool(self.record["Data"].startswith(MAGIC))


class Row(NamedTuple):
    """A user record, or a Kinesis record that is not aggregated, as raw has it."""

    shard_id: str
    sequence_number: str
    sub_sequence_number: int
    partition_key: str
    data: bytes


def kinesis_records(server: Server, stream: str) -> Iterator[KinesisRecord]:
    """All records, shard by shard. Each shard is read to its first empty answer."""
    client = server.client()
    for shard in client.list_shards(StreamName=stream)["Shards"]:
        shard_id = shard["ShardId"]
        iterator = client.get_shard_iterator(
            StreamName=stream, ShardId=shard_id, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while iterator:
            answer = client.get_records(ShardIterator=iterator)
            yield from (KinesisRecord(shard_id, record) for record in answer["Records"])
            iterator = answer.get("NextShardIterator") if answer["Records"] else None


def user_records(records: Iterable[KinesisRecord]) -> Iterator[Row]:
    """The user records in aggregated records, and the other records as they are."""
    for shard_id, record in records:
        for found in iter_deaggregate_records([record], data_format="Boto3"):
            user_record = found["kinesis"]
            is_inner = "subSequenceNumber" in user_record
            yield Row(
                shard_id,
                user_record["sequenceNumber"],
                user_record["subSequenceNumber"] if is_inner else 0,
                user_record["partitionKey"],
                b64decode(user_record["data"]) if is_inner else user_record["data"],
            )
