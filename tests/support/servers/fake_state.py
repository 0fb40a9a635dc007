"""What the fake Kinesis knows: its streams, its time, and what a test has set.

A position in a stream goes to the client and comes back as a token.
"""

import base64
import json
import time
from typing import Any

from tests.support.servers.fake_streams import ACCOUNT, KinesisError, Stream

Request = dict[str, Any]
# A dict, but for GetRecords: its records are stored as encoded text, so it is bytes.
Answer = dict[str, Any] | bytes


class Clock:
    """Wall time in milliseconds, which tests may set forward instead of waiting."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms


class Kinesis:
    """All streams of a server."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.streams: dict[str, Stream] = {}
        # Added to the arrival time of records that are put: arrival times can be made to go back.
        self.arrival_shift_ms = 0
        self.max_page_records = 10_000
        self.shards_per_listing = 1000
        self.expired_before_ms = 0

    def stream(self, request: Request) -> Stream:
        """The stream that a request names, or that its ARN names."""
        name = request.get("StreamName") or request.get("StreamARN", "").rpartition("/")[2]
        if name not in self.streams:
            message = f"Stream {name} under account {ACCOUNT} not found."
            raise KinesisError("ResourceNotFoundException", message)
        return self.streams[name]


def token(**content: Any) -> str:
    """Any content as text that says nothing to a client."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def open_token(text: str) -> dict[str, Any]:
    """What `token` put in; empty if this server never made it."""
    try:
        content = json.loads(base64.urlsafe_b64decode(text))
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
