"""Parse answers of GetRecords quickly: from JSON to columns.

botocore walks the service model for every member of every record, which limits a reader to about
45,000 records per second. This parser reads the answer of this one operation with `json.loads` and
base64. Signing, connections and all other answers remain botocore's.
"""

import json
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.model import Shape
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory

_MICROSECONDS = 1_000_000


class MalformedAnswerError(Exception):
    """An answer is truncated or does not come from Kinesis; call again."""


@dataclass(frozen=True)
class Records:
    """Records as columns; `arrived_us` is in microseconds since 1970."""

    data: list[bytes] = field(default_factory=list)
    partition_keys: list[str] = field(default_factory=list)
    sequence_numbers: list[str] = field(default_factory=list)
    arrived_us: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sequence_numbers)

    def head(self, count: int) -> "Records":
        """The first `count` records."""
        return Records(
            self.data[:count],
            self.partition_keys[:count],
            self.sequence_numbers[:count],
            self.arrived_us[:count],
        )

    @classmethod
    def from_json(cls, records: Sequence[Mapping[str, Any]]) -> "Records":
        return cls(
            [a2b_base64(record["Data"]) for record in records],
            [record["PartitionKey"] for record in records],
            [record["SequenceNumber"] for record in records],
            [round(record["ApproximateArrivalTimestamp"] * _MICROSECONDS) for record in records],
        )

    @classmethod
    def from_botocore(cls, records: Sequence[Mapping[str, Any]]) -> "Records":
        return cls(
            [record["Data"] for record in records],
            [record["PartitionKey"] for record in records],
            [record["SequenceNumber"] for record in records],
            [_microseconds(record["ApproximateArrivalTimestamp"]) for record in records],
        )


class GetRecordsParser(JSONParser):
    """botocore's parser, except that a successful GetRecords answer has its records as `Records`.

    An answer in another form (a timestamp that is not a number, a missing member) goes to botocore.
    An answer that is not JSON raises MalformedAnswerError. botocore would return an empty answer,
    which a reader would take for the end of the data.
    """

    def parse(self, response: Mapping[str, Any], shape: Shape) -> Any:
        if shape is None or shape.name != "GetRecordsOutput" or response["status_code"] != 200:
            return super().parse(response, shape)
        try:
            answer = json.loads(response["body"])
        except ValueError as error:
            raise MalformedAnswerError(f"GetRecords did not answer with JSON: {error}") from error
        try:
            parsed = {**answer, "Records": Records.from_json(answer["Records"])}
        except (KeyError, TypeError, ValueError):
            return super().parse(response, shape)
        parsed["ResponseMetadata"] = {
            "HTTPStatusCode": response["status_code"],
            "HTTPHeaders": {name.lower(): text for name, text in response["headers"].items()},
        }
        return parsed


class GetRecordsParserFactory(ResponseParserFactory):
    """The component `response_parser_factory` of a botocore session for Kinesis."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        if protocol_name == "json":
            return GetRecordsParser()
        return super().create_parser(protocol_name)


def _microseconds(time: datetime) -> int:
    return round(time.timestamp() * _MICROSECONDS)
