"""A stream of one shard on the fake Kinesis, and functions that put and read its records."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

STREAM = "clicks"
SHARD = "shardId-000000000000"


def put(kinesis: Any, *records: bytes, key: str = "k") -> list[str]:
    """Put records. Return their sequence numbers."""
    entries = [{"Data": data, "PartitionKey": key} for data in records]
    answer = kinesis.put_records(StreamName=STREAM, Records=entries)
    return [record["SequenceNumber"] for record in answer["Records"]]


def iterator(kinesis: Any, shard: str = SHARD, kind: str = "TRIM_HORIZON", **at: Any) -> str:
    answer = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard, ShardIteratorType=kind, **at
    )
    return str(answer["ShardIterator"])


def data(kinesis: Any, position: str, limit: int = 10_000) -> list[bytes]:
    answer = kinesis.get_records(ShardIterator=position, Limit=limit)
    return [record["Data"] for record in answer["Records"]]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])
