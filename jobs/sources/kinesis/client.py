"""The four calls to Kinesis that reading needs, with retries.

Runs on the driver and on the executors. A call that finally fails raises a SourceError: one line
with an action. Two failures have their own exceptions, because callers handle them: an expired
iterator, and a starting point that the stream rejects.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from jobs.errors import SourceError
from jobs.sources.kinesis.client_errors import FORBIDDEN, to_source_error
from jobs.sources.kinesis.connection import Connection
from jobs.sources.kinesis.credential_services import credential_service_exists
from jobs.sources.kinesis.faults import MISSING, Fault, error_code, fault_of, is_unreachable
from jobs.sources.kinesis.get_records import MalformedAnswerError, Records
from jobs.sources.kinesis.model import Shard, StartingPoint
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.retry import Backoff, Budget

# The Date header has whole seconds, so a smaller difference is not a skew.
_MIN_SKEW_MS = 2_000


class ExpiredIteratorError(Exception):
    """The iterator is older than five minutes; request a new one."""


class ExpiredListingError(Exception):
    """The token of the next page of shards is older than five minutes."""


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
    up after a few attempts, because its address or the credentials are probably wrong.
    """

    options: KinesisOptions
    has_answered: bool = False
    sleep: Callable[[float], None] = time.sleep
    _connection: Connection = field(init=False, repr=False)
    _budget: Budget = field(init=False, repr=False)
    _skew_ms: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._connection = Connection(self.options)
        self._budget = Budget(self.options.reads_per_second, sleep=self.sleep)

    def now_ms(self) -> int:
        """The stream's time: the local clock, corrected if the two differ by over two seconds."""
        return time.time_ns() // 1_000_000 - self._skew_ms

    def shards(self) -> dict[str, Shard]:
        """All shards that the stream lists, open or closed."""
        while True:
            try:
                return self._listed_shards()
            except ExpiredListingError:
                continue  # from the first page

    def retention_ms(self) -> int:
        """The time for which the stream keeps a record."""
        return int(self._summary()["RetentionPeriodHours"]) * 3_600_000

    def created_ms(self) -> int | None:
        """When the stream was created. None if the permission to look it up is missing."""
        try:
            created = self._summary().get("StreamCreationTimestamp")
        except SourceError as error:
            if error_code(error.__cause__) in FORBIDDEN:
                return None
            raise
        return None if created is None else int(created.timestamp() * 1000)

    def iterator(self, shard_id: str, start: StartingPoint) -> str:
        """A shard iterator at `start`.

        Raises:
            RefusedStartError: the stream rejects `start`.
        """
        request: dict[str, Any] = {
            **self.options.stream_request,
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
        request: dict[str, Any] = {"ShardIterator": iterator, "Limit": limit}
        if "StreamARN" in self.options.stream_request:
            request |= self.options.stream_request
        answer = self._call("get_records", "Records", request, shard_id)
        records = answer["Records"]
        return Answer(
            records if isinstance(records, Records) else Records.from_botocore(records),
            answer.get("NextShardIterator") or None,
            int(answer.get("MillisBehindLatest") or 0),
        )

    def _listed_shards(self) -> dict[str, Shard]:
        shards: dict[str, Shard] = {}
        page: dict[str, str] = dict(self.options.stream_request)
        while True:
            answer = self._call("list_shards", "Shards", page)
            for item in answer["Shards"]:
                shards[item["ShardId"]] = Shard.from_api(item)
            if not answer.get("NextToken"):
                return shards
            # A token may come with the ARN of its stream, but not with the name.
            page = {**self.options.stream_request, "NextToken": answer["NextToken"]}
            page.pop("StreamName", None)

    def _summary(self) -> Mapping[str, Any]:
        answer = self._call(
            "describe_stream_summary", "StreamDescriptionSummary", self.options.stream_request
        )
        summary: Mapping[str, Any] = answer["StreamDescriptionSummary"]
        return summary

    def _call(
        self, operation: str, member: str, request: dict[str, Any], shard_id: str | None = None
    ) -> Mapping[str, Any]:
        """Call until it succeeds, cannot succeed, or has failed for longer than `retryTimeout`.

        An answer without `member` counts as truncated. A call with `shard_id` counts against the
        shard's budget. If the credentials are at fault, the next attempt looks for others.
        """
        backoff = Backoff(self.options.retry_timeout.total_seconds(), sleep=self.sleep)
        while True:
            if shard_id is not None:
                self._budget.take(shard_id)
            api = None
            try:
                api = self._connection.api()
                answer: Mapping[str, Any] = getattr(api, operation)(**request)
                if member not in answer:
                    raise MalformedAnswerError(f"{operation} answered without {member}")
            except (BotoCoreError, ClientError, MalformedAnswerError) as error:
                self._raise_if_handled_by_caller(operation, error)
                fault = fault_of(error)
                if fault is Fault.DOUBTFUL:
                    self._connection.discard(api)
                if fault is Fault.FINAL or not backoff.wait(is_known=self._will_pass(error)):
                    raise to_source_error(error, self.options) from error
            else:
                self._record_skew(answer)
                return answer

    def _will_pass(self, error: Exception) -> bool:
        """Whether nothing but time is needed: the stream and the credentials are known to exist."""
        if self.has_answered:
            return True
        if fault_of(error) is Fault.PASSING:
            return not is_unreachable(error)
        return isinstance(error, MISSING) and credential_service_exists()

    @staticmethod
    def _raise_if_handled_by_caller(operation: str, error: Exception) -> None:
        if error_code(error) == "ExpiredIteratorException":
            raise ExpiredIteratorError from error
        if error_code(error) == "ExpiredNextTokenException":
            raise ExpiredListingError from error
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
        SourceError: the stream is missing, forbidden or unreachable, or there are no credentials.
    """
    KinesisClient(KinesisOptions.parse(options)).shards()
