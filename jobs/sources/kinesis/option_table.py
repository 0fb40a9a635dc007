"""The options of the Kinesis source: names, defaults, and the table that documents them."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.errors import ConfigError


@dataclass(frozen=True)
class Option:
    """One row of the table of options. `default` is the text that a user would write."""

    name: str
    default: str
    meaning: str


OPTIONS = (
    Option("stream", "", "Name or ARN of the stream. Required."),
    Option(
        "region",
        "",
        "AWS region. Empty: the region of the stream's ARN, of the environment or of the AWS "
        "profile.",
    ),
    Option("endpointUrl", "", "URL of a Kinesis-compatible server. Empty: AWS."),
    Option(
        "roleArn",
        "",
        "ARN of a role that is assumed to read the stream, for example of another account. Empty: "
        "the credentials of the machine.",
    ),
    Option("roleExternalId", "", "External id that the role requires. Empty: none."),
    Option(
        "startingPosition",
        "TRIM_HORIZON",
        "Where a query without a checkpoint starts: TRIM_HORIZON (the oldest record), LATEST "
        "(records that arrive after its start) or an ISO 8601 time with an offset that has passed "
        "(records that arrived at or after it).",
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
        "How long a call is retried while the stream throttles, fails or is unreachable, or while "
        "credentials are missing or rejected.",
    ),
    Option("requestTimeout", "30 seconds", "How long to wait for one answer. At least 1 second."),
)


def options_table() -> str:
    """The options as a Markdown table, for the documentation."""
    rows = [
        f"| `{option.name}` | {option.default and f'`{option.default}`'} | {option.meaning} |"
        for option in OPTIONS
    ]
    return "\n".join(["| option | default | meaning |", "|---|---|---|", *rows])


def with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    """The text of every option. `given` may have names in any case.

    Raises:
        ConfigError: an option is unknown.
    """
    names = {option.name.lower(): option.name for option in OPTIONS}
    unknown = sorted(name for name in given if name.lower() not in names)
    if unknown:
        raise ConfigError(f"kinesis: unknown option(s) {unknown}; known: {sorted(names.values())}")
    defaults = {option.name: option.default for option in OPTIONS}
    return defaults | {names[name.lower()]: value.strip() for name, value in given.items()}
