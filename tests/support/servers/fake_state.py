"""The state of the fake Kinesis: its streams, its clock, and the settings of a test.

A position in a stream goes to the client and comes back as a token.
"""

import base64
import json
import time
from typing import Any

from tests.support.servers.fake_streams import ACCOUNT, KinesisError, Stream

Request = dict[str, Any]
# A dict, except for GetRecords: its records are stored as encoded text, so its answer is bytes.
Answer = dict[str, Any] | bytes


class Clock:
    """Wall time in milliseconds, which tests advance instead of waiting."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


class Kinesis:
    """All streams of a server."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.streams: dict[str, Stream] = {}
        # Added to the arrival time of records that are put, so that arrival times may decrease.
        self.arrival_shift_ms = 0
        self.max_page_records = 10_000
        self.shards_per_listing = 1000
        self.expired_before_ms = 0
        self.required_arn = ""

    def stream(self, request: Request) -> Stream:
        """The stream whose name or ARN is in the request."""
        name = request.get("StreamName") or request.get("StreamARN", "").rpartition("/")[2]
        if name not in self.streams:
            message = f"Stream {name} under account {ACCOUNT} not found."
            raise KinesisError("ResourceNotFoundException", message)
        return self.streams[name]


def token(**content: Any) -> str:
    """Any content as text that is opaque to a client."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def open_token(text: str) -> dict[str, Any]:
    """The content of a token; empty if this server did not issue it."""
    try:
        content = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
