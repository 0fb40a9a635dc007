"""The parsed options of the Kinesis source. `option_table` has their names and defaults."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from jobs.config import (
    format_duration,
    parse_boolean,
    parse_duration,
    parse_integer,
    parse_stream_arn,
    parse_time,
    region_of,
    require_role,
)
from jobs.errors import ConfigError
from jobs.sources.kinesis.option_table import with_defaults

MAX_RECORDS_PER_CALL = 10_000
_MIN_REQUEST_TIMEOUT = timedelta(seconds=1)

T = TypeVar("T")


@dataclass(frozen=True)
class KinesisOptions:
    """The parsed options. `start_at` is None for TRIM_HORIZON and LATEST (`starts_latest`)."""

    stream: str
    region: str | None
    endpoint_url: str | None
    role_arn: str | None
    role_external_id: str | None
    starts_latest: bool
    start_at: datetime | None
    resume_from: tuple[tuple[str, str], ...]
    stop_at: datetime | None
    fail_on_data_loss: bool
    max_records_per_batch: int
    max_batch_span: timedelta
    tip_lag: timedelta
    fetch_limit: int
    reads_per_second: int
    probe_threads: int
    retry_timeout: timedelta
    request_timeout: timedelta

    @property
    def stream_request(self) -> dict[str, str]:
        """The members of a request that select the stream."""
        by_arn = parse_stream_arn(self.stream) is not None
        return {"StreamARN" if by_arn else "StreamName": self.stream}

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "KinesisOptions":
        """Parse options, whose names may have any case.

        Raises:
            ConfigError: an option is unknown, missing or invalid.
        """
        text = with_defaults(given)
        if not text["stream"]:
            raise ConfigError("kinesis option 'stream' is missing; set its name or ARN")

        def value(name: str, parse: Callable[[str], T]) -> T:
            try:
                return parse(text[name])
            except ConfigError as error:
                raise ConfigError(f"kinesis option '{name}': {error}") from None

        value("roleArn", lambda role: require_role(role, text["roleExternalId"]))
        starts_latest, start_at = value("startingPosition", _starting_position)
        return cls(
            stream=text["stream"],
            region=value("stream", lambda stream: region_of(stream, text["region"])) or None,
            endpoint_url=text["endpointUrl"] or None,
            role_arn=text["roleArn"] or None,
            role_external_id=text["roleExternalId"] or None,
            starts_latest=starts_latest,
            start_at=start_at,
            resume_from=value("resumeFrom", _sequence_numbers),
            stop_at=value("stopAt", parse_time) if text["stopAt"] else None,
            fail_on_data_loss=value("failOnDataLoss", parse_boolean),
            max_records_per_batch=value("maxRecordsPerBatch", _integer_from(0)),
            max_batch_span=value("maxBatchSpan", parse_duration),
            tip_lag=value("tipLag", parse_duration),
            fetch_limit=value("fetchLimit", _integer_from(1, MAX_RECORDS_PER_CALL)),
            reads_per_second=value("readsPerSecond", _integer_from(0)),
            probe_threads=value("probeThreads", _integer_from(1)),
            retry_timeout=value("retryTimeout", parse_duration),
            request_timeout=value("requestTimeout", _request_timeout),
        )


def _starting_position(text: str) -> tuple[bool, datetime | None]:
    match text.upper():
        case "TRIM_HORIZON":
            return False, None
        case "LATEST":
            return True, None
    try:
        return False, parse_time(text)
    except ConfigError:
        raise ConfigError(
            "expected TRIM_HORIZON, LATEST or an ISO 8601 time with an offset, like "
            f"2026-01-31T00:00:00Z, got {text!r}"
        ) from None


def _integer_from(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to `most`, both inclusive."""
    expected = f"expected a whole number from {least}" + (f" to {most}" if most else "")

    def parse(text: str) -> int:
        number = parse_integer(text)
        if number < least or (most is not None and number > most):
            raise ConfigError(f"{expected}, got {text!r}")
        return number

    return parse


def _request_timeout(text: str) -> timedelta:
    timeout = parse_duration(text)
    if timeout < _MIN_REQUEST_TIMEOUT:
        raise ConfigError(
            f"expected at least {format_duration(_MIN_REQUEST_TIMEOUT)}, got {text!r}"
        )
    return timeout


def _sequence_numbers(text: str) -> tuple[tuple[str, str], ...]:
    expected = 'expected JSON like {"shardId-000000000000": "4959…"}'
    try:
        numbers: Any = json.loads(text or "{}")
    except ValueError:
        raise ConfigError(f"{expected}, got {text!r}") from None
    if not isinstance(numbers, dict) or not all(
        isinstance(number, str) and number.isdecimal() for number in numbers.values()
    ):
        raise ConfigError(f"{expected}, got {text!r}")
    return tuple(sorted(numbers.items()))
