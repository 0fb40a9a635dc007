"""The four calls to Kinesis that reading needs, with retries.

Runs on the driver and on the executors. A call that finally fails raises a SourceError: one line
with an action. Two failures have their own exceptions, because callers handle them: an expired
iterator, and a starting point that the stream rejects.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.sources.kinesis.client_errors import to_source_error
from jobs.sources.kinesis.get_records import GetRecordsParserFactory, MalformedAnswerError, Records
from jobs.sources.kinesis.model import Shard, StartingPoint
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.retry import Backoff, Budget, error_code, is_transient, is_unreachable

# The Date header has whole seconds, so a smaller difference is not a skew.
_MIN_SKEW_MS = 2_000


class ExpiredIteratorError(Exception):
    """The iterator is older than five minutes; request a new one."""


class RefusedStartError(Exception):
    """The stream rejects a starting point: a trimmed or foreign number, or a future time."""


@dataclass(frozen=True)
class Answer:
    """One answer of GetRecords. `next_iterator` is None at the end of a closed shard."""

    records: Records
    next_iterator: str | None
    millis_behind_latest: int


@dataclass
class KinesisClient:
    """The calls to one stream. Several threads may use it at once.

    `has_answered` is true if the endpoint is known to exist. One that has never answered is given
    up after a few attempts, because its address is probably wrong.
    """

    options: KinesisOptions
    has_answered: bool = False
    sleep: Callable[[float], None] = time.sleep
    _api: Any = field(init=False, repr=False)
    _budget: Budget = field(init=False, repr=False)
    _skew_ms: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        try:
            self._api = _make_api(self.options)
        except (BotoCoreError, ValueError) as error:
            raise to_source_error(error, self.options) from error
        self._budget = Budget(self.options.reads_per_second, sleep=self.sleep)

    def now_ms(self) -> int:
        """The stream's time: the local clock, corrected if the two differ by over two seconds."""
        return time.time_ns() // 1_000_000 - self._skew_ms

    def shards(self) -> dict[str, Shard]:
        """All shards that the stream lists, open or closed."""
        shards: dict[str, Shard] = {}
        page: dict[str, str] = {"StreamName": self.options.stream}
        while True:
            answer = self._call("list_shards", "Shards", page)
            for item in answer["Shards"]:
                shards[item["ShardId"]] = Shard.from_api(item)
            if not answer.get("NextToken"):
                return shards
            page = {"NextToken": answer["NextToken"]}

    def retention_ms(self) -> int:
        answer = self._call(
            "describe_stream_summary",
            "StreamDescriptionSummary",
            {"StreamName": self.options.stream},
        )
        return int(answer["StreamDescriptionSummary"]["RetentionPeriodHours"]) * 3_600_000

    def iterator(self, shard_id: str, start: StartingPoint) -> str:
        """A shard iterator at `start`.

        Raises:
            RefusedStartError: the stream rejects `start`.
        """
        request: dict[str, Any] = {
            "StreamName": self.options.stream,
            "ShardId": shard_id,
            "ShardIteratorType": start.type.value,
        }
        if start.sequence_number is not None:
            request["StartingSequenceNumber"] = start.sequence_number
        if start.time_ms is not None:
            request["Timestamp"] = datetime.fromtimestamp(start.time_ms / 1000, UTC)
        answer = self._call("get_shard_iterator", "ShardIterator", request)
        return str(answer["ShardIterator"])

    def records(self, shard_id: str, iterator: str, limit: int) -> Answer:
        """At most `limit` records from the iterator on.

        Raises:
            ExpiredIteratorError: the iterator is too old.
        """
        request = {"ShardIterator": iterator, "Limit": limit}
        answer = self._call("get_records", "Records", request, shard_id)
        records = answer["Records"]
        return Answer(
            records if isinstance(records, Records) else Records.from_botocore(records),
            answer.get("NextShardIterator") or None,
            int(answer.get("MillisBehindLatest") or 0),
        )

    def _call(
        self, operation: str, member: str, request: dict[str, Any], shard_id: str | None = None
    ) -> Mapping[str, Any]:
        """Call until it succeeds, cannot succeed, or has failed for longer than `retryTimeout`.

        An answer without `member` counts as truncated. A call with `shard_id` counts against the
        shard's budget.
        """
        backoff = Backoff(self.options.retry_timeout.total_seconds(), sleep=self.sleep)
        while True:
            if shard_id is not None:
                self._budget.take(shard_id)
            try:
                answer: Mapping[str, Any] = getattr(self._api, operation)(**request)
                if member not in answer:
                    raise MalformedAnswerError(f"{operation} answered without {member}")
            except (BotoCoreError, ClientError, MalformedAnswerError) as error:
                self._raise_if_handled_by_caller(operation, error)
                is_known = self.has_answered or not is_unreachable(error)
                if not is_transient(error) or not backoff.wait(is_known=is_known):
                    raise to_source_error(error, self.options) from error
            else:
                self._record_skew(answer)
                return answer

    @staticmethod
    def _raise_if_handled_by_caller(operation: str, error: Exception) -> None:
        if error_code(error) == "ExpiredIteratorException":
            raise ExpiredIteratorError from error
        if operation == "get_shard_iterator" and error_code(error) == "InvalidArgumentException":
            raise RefusedStartError from error

    def _record_skew(self, answer: Mapping[str, Any]) -> None:
        self.has_answered = True
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        if date:
            server_ms = int(parsedate_to_datetime(date).timestamp() * 1000)
            skew = time.time_ns() // 1_000_000 - server_ms
            self._skew_ms = skew if abs(skew) > _MIN_SKEW_MS else 0


def require_stream(options: Mapping[str, str]) -> None:
    """List the shards of the stream, to check that it can be read before Spark starts.

    Args:
        options: the options of the `kinesis` format.

    Raises:
        ConfigError: an option is invalid.
        SourceError: the stream is missing, forbidden or unreachable for five seconds.
    """
    parsed = KinesisOptions.parse({**options, "retryTimeout": "5 seconds"})
    KinesisClient(parsed).shards()


def _make_api(options: KinesisOptions) -> Any:
    session = botocore.session.get_session()
    session.register_component("response_parser_factory", GetRecordsParserFactory())
    timeout = options.request_timeout.total_seconds()
    api: Any = boto3.Session(botocore_session=session).client(
        "kinesis",
        region_name=options.region,
        endpoint_url=options.endpoint_url,
        config=Config(
            # `_call` retries. botocore considers neither Kinesis's limits nor truncated answers.
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=options.probe_threads,
            connect_timeout=timeout,
            read_timeout=timeout,
            tcp_keepalive=True,
        ),
    )
    # Before 1.43, botocore truncates a Timestamp to whole seconds. These handlers write it in full.
    api.meta.events.register("provide-client-params.kinesis.GetShardIterator", _keep_timestamp)
    api.meta.events.register("before-call.kinesis.GetShardIterator", _write_timestamp)
    return api


def _keep_timestamp(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    context["timestamp"] = params.get("Timestamp")


def _write_timestamp(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    if context.get("timestamp") is not None:
        body = json.loads(params["body"])
        params["body"] = json.dumps(
            {**body, "Timestamp": context["timestamp"].timestamp()}
        ).encode()
