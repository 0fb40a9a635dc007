"""The options of the Kinesis source: the table that documents them, and what they parse to."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from jobs.errors import ConfigError


@dataclass(frozen=True)
class Option:
    """One row of the table of options. `default` is the text that a user would write."""

    name: str
    default: str
    meaning: str


OPTIONS = (
    Option("stream", "", "Name of the stream. Required."),
    Option("region", "", "AWS region. Empty: what boto3 finds in environment or profile."),
    Option("endpointUrl", "", "URL of a Kinesis-compatible server. Empty: AWS."),
    Option(
        "startingPosition",
        "TRIM_HORIZON",
        "Where a query without a checkpoint starts: TRIM_HORIZON (the oldest record), LATEST (what "
        "arrives after its start) or an ISO 8601 time with offset (what arrived at or after it).",
    ),
    Option(
        "resumeFrom",
        "",
        'JSON `{"shardId-…": "sequence number"}`, the last record of each shard that is stored '
        "already: for a query without a checkpoint over a filled table. These shards start behind "
        "that record, all others at the trim horizon.",
    ),
    Option(
        "stopAt",
        "",
        "ISO 8601 time with offset: what arrived at or after it is not read, so that reading comes "
        "to an end while producers go on. Empty: no end.",
    ),
    Option(
        "failOnDataLoss",
        "true",
        "Fail if records left the stream, or may have, before they were read. false: go on behind "
        "the gap, which the offset records and counts.",
    ),
    Option(
        "maxRecordsPerBatch",
        "0",
        "Records to aim at in a batch, over all shards. 0: no limit.",
    ),
    Option(
        "maxBatchSpan",
        "0 seconds",
        "The longest time of arrival that a batch takes of a shard. 0: no limit.",
    ),
    Option(
        "tipLag",
        "1 second",
        "A busy shard's batch ends with the first record that is younger than this. Less needs "
        "more calls to find the end, more adds latency.",
    ),
    Option("fetchLimit", "10000", "Records to ask for in one GetRecords call, at most 10000."),
    Option(
        "readsPerSecond",
        "5",
        "GetRecords calls a second and shard. Kinesis allows 5 to all consumers of a shard "
        "together: less leaves room for others. 0: no limit.",
    ),
    Option("probeThreads", "32", "Shards that the driver looks into at the same time."),
    Option(
        "retryTimeout",
        "2 minutes",
        "How long a call is repeated while the stream throttles, fails or cannot be reached.",
    ),
    Option("requestTimeout", "30 seconds", "How long to wait for one answer, at least 1 second."),
)

MOST_RECORDS_OF_A_CALL = 10_000

_SECOND = timedelta(seconds=1)

T = TypeVar("T")

_UNITS = {
    "millisecond": timedelta(milliseconds=1),
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


@dataclass(frozen=True)
class KinesisOptions:
    """The options, parsed. `start_at` is None for TRIM_HORIZON and LATEST (`starts_latest`)."""

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
        """Spark gives names in any case. Raises ConfigError naming option, need and value."""
        text = _with_defaults(given)
        if not text["stream"]:
            raise ConfigError("kinesis option 'stream' is missing: the name of the stream to read")
        starts_latest, start_at = _starting_position(text["startingPosition"])
        return cls(
            stream=text["stream"],
            region=text["region"] or None,
            endpoint_url=text["endpointUrl"] or None,
            starts_latest=starts_latest,
            start_at=start_at,
            resume_from=_sequence_numbers("resumeFrom", text["resumeFrom"]),
            stop_at=_time("stopAt", text["stopAt"]) if text["stopAt"] else None,
            fail_on_data_loss=_boolean("failOnDataLoss", text["failOnDataLoss"]),
            max_records_per_batch=_whole("maxRecordsPerBatch", text["maxRecordsPerBatch"], 0),
            max_batch_span=_duration("maxBatchSpan", text["maxBatchSpan"]),
            tip_lag=_duration("tipLag", text["tipLag"]),
            fetch_limit=_whole("fetchLimit", text["fetchLimit"], 1, MOST_RECORDS_OF_A_CALL),
            reads_per_second=_whole("readsPerSecond", text["readsPerSecond"], 0),
            probe_threads=_whole("probeThreads", text["probeThreads"], 1),
            retry_timeout=_duration("retryTimeout", text["retryTimeout"]),
            request_timeout=_duration(
                "requestTimeout", text["requestTimeout"], timedelta(seconds=1)
            ),
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


def _wrong(name: str, wanted: str, found: str) -> ConfigError:
    return ConfigError(f"kinesis option '{name}' must be {wanted}, not {found!r}")


def _starting_position(text: str) -> tuple[bool, datetime | None]:
    match text.upper():
        case "TRIM_HORIZON":
            return False, None
        case "LATEST":
            return True, None
    try:
        return False, _time("startingPosition", text)
    except ConfigError:
        wanted = "TRIM_HORIZON, LATEST or a time like 2026-01-31T00:00:00Z"
        raise _wrong("startingPosition", wanted, text) from None


def _time(name: str, text: str) -> datetime:
    wanted = "an ISO 8601 time with offset, like 2026-01-31T00:00:00Z"
    time = _parsed(name, text, wanted, datetime.fromisoformat)
    if time.tzinfo is None:
        raise _wrong(name, wanted, text)
    return time.astimezone(UTC)


def _duration(name: str, text: str, least: timedelta = timedelta(0)) -> timedelta:
    match = re.fullmatch(r"(\d+) *([a-z]+?)s?", text.lower())
    if match is None or match[2] not in _UNITS or int(match[1]) * _UNITS[match[2]] < least:
        raise _wrong(name, f"a duration like '10 seconds' ({', '.join(_UNITS)}s)", text)
    return int(match[1]) * _UNITS[match[2]]


def _whole(name: str, text: str, least: int, most: int | None = None) -> int:
    wanted = f"a whole number from {least}" + (f" to {most}" if most else "")
    number = _parsed(name, text, wanted, int)
    if number < least or (most is not None and number > most):
        raise _wrong(name, wanted, text)
    return number


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _wrong(name, "true or false", text)
    return text.lower() == "true"


def _sequence_numbers(name: str, text: str) -> tuple[tuple[str, str], ...]:
    wanted = 'JSON like {"shardId-000000000000": "4959…"}'
    numbers: Any = _parsed(name, text or "{}", wanted, json.loads)
    if not isinstance(numbers, dict) or not all(
        isinstance(number, str) and number.isdecimal() for number in numbers.values()
    ):
        raise _wrong(name, wanted, text)
    return tuple(sorted(numbers.items()))


def _parsed(name: str, text: str, wanted: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except ValueError:
        raise _wrong(name, wanted, text) from None
