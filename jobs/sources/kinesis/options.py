"""The options of the Kinesis source: a table that documents them, and their parsed values."""

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
    parse_time,
)
from jobs.errors import ConfigError


@dataclass(frozen=True)
class Option:
    """One row of the table of options. `default` is the text that a user would write."""

    name: str
    default: str
    meaning: str


OPTIONS = (
    Option("stream", "", "Name of the stream. Required."),
    Option("region", "", "AWS region. Empty: the region of the environment or the AWS profile."),
    Option("endpointUrl", "", "URL of a Kinesis-compatible server. Empty: AWS."),
    Option(
        "startingPosition",
        "TRIM_HORIZON",
        "Where a query without a checkpoint starts: TRIM_HORIZON (the oldest record), LATEST "
        "(records that arrive after its start) or an ISO 8601 time with an offset (records that "
        "arrived at or after it).",
    ),
    Option(
        "resumeFrom",
        "",
        'JSON `{"shardId-…": "sequence number"}`: the last stored record of each shard. For a '
        "query without a checkpoint that writes to a table with records. These shards start after "
        "that record, all others at the trim horizon.",
    ),
    Option(
        "stopAt",
        "",
        "ISO 8601 time with an offset. Records that arrived at or after it are not read, so that "
        "reading ends while producers continue. Empty: no end.",
    ),
    Option(
        "failOnDataLoss",
        "true",
        "true: the query fails if records left the stream, or may have, before they were read. "
        "false: it continues after the gap; the offset records and counts it.",
    ),
    Option(
        "maxRecordsPerBatch",
        "0",
        "Target number of records in a batch, over all shards. 0: no limit.",
    ),
    Option(
        "maxBatchSpan",
        "0 seconds",
        "The longest time of arrival that a batch reads from a shard. 0 seconds: no limit.",
    ),
    Option(
        "tipLag",
        "1 second",
        "A batch of a busy shard ends with the first record that is younger than this. A shorter "
        "time needs more calls to find the end; a longer time adds latency.",
    ),
    Option("fetchLimit", "10000", "Records per GetRecords call, at most 10000."),
    Option(
        "readsPerSecond",
        "5",
        "GetRecords calls per second and shard. Kinesis allows 5 to all consumers of a shard "
        "together, so a lower number leaves room for others. 0: no limit.",
    ),
    Option("probeThreads", "32", "Number of shards that the driver plans at the same time."),
    Option(
        "retryTimeout",
        "2 minutes",
        "How long a call is retried while the stream throttles, fails or is unreachable.",
    ),
    Option("requestTimeout", "30 seconds", "How long to wait for one answer. At least 1 second."),
)

MAX_RECORDS_PER_CALL = 10_000
_MIN_REQUEST_TIMEOUT = timedelta(seconds=1)

T = TypeVar("T")


@dataclass(frozen=True)
class KinesisOptions:
    """The parsed options. `start_at` is None for TRIM_HORIZON and LATEST (`starts_latest`)."""

    stream: str
    region: str | None
    endpoint_url: str | None
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

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "KinesisOptions":
        """Parse options, whose names may have any case.

        Raises:
            ConfigError: an option is unknown, missing or invalid.
        """
        text = _with_defaults(given)
        if not text["stream"]:
            raise ConfigError("kinesis option 'stream' is missing; set the name of the stream")

        def value(name: str, parse: Callable[[str], T]) -> T:
            try:
                return parse(text[name])
            except ConfigError as error:
                raise ConfigError(f"kinesis option '{name}': {error}") from None

        starts_latest, start_at = value("startingPosition", _starting_position)
        return cls(
            stream=text["stream"],
            region=text["region"] or None,
            endpoint_url=text["endpointUrl"] or None,
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


def options_table() -> str:
    """The options as a Markdown table, for the documentation."""
    rows = [
        f"| `{option.name}` | {option.default and f'`{option.default}`'} | {option.meaning} |"
        for option in OPTIONS
    ]
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *rows])


def _with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    names = {option.name.lower(): option.name for option in OPTIONS}
    unknown = sorted(name for name in given if name.lower() not in names)
    if unknown:
        raise ConfigError(f"kinesis: unknown option(s) {unknown}; known: {sorted(names.values())}")
    defaults = {option.name: option.default for option in OPTIONS}
    return defaults | {names[name.lower()]: value.strip() for name, value in given.items()}


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
