"""Where records come from and where they go: the settings of the stream and of the lake."""

from dataclasses import dataclass, field
from datetime import timedelta

from jobs.config.stream_arn import region_of, require_role
from jobs.config.values import format_duration, require_at_least, require_positive
from jobs.errors import ConfigError

_DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The Kinesis stream that events come from."""

    stream: str = field(
        metadata={"meaning": "Name of the Kinesis stream, or its ARN, also of another account."}
    )
    region: str = field(
        default=_DEFAULT_REGION,
        metadata={
            "meaning": (
                "AWS region of the stream. The region of an ARN takes the place of the default; "
                "any other region is an error. Empty: that of AWS_REGION or the AWS profile."
            )
        },
    )
    endpoint_url: str = field(
        default="", metadata={"meaning": "URL of a Kinesis-compatible server. Empty: AWS."}
    )
    role_arn: str = field(
        default="",
        metadata={
            "meaning": (
                "ARN of a role that is assumed to read the stream, for example of another "
                "account. It is renewed while the query runs. Empty: the credentials of the "
                "machine."
            )
        },
    )
    role_external_id: str = field(
        default="", metadata={"meaning": "External id that the role requires. Empty: none."}
    )
    start: str = field(
        default="TRIM_HORIZON",
        metadata={
            "meaning": (
                "Where a new checkpoint starts: TRIM_HORIZON, LATEST or an ISO 8601 time with "
                "offset, which must have passed."
            )
        },
    )
    fail_on_data_loss: bool = field(
        default=True,
        metadata={
            "meaning": (
                "true: the run ends if records left the stream before they were read. false: it "
                "continues after the gap, and records it."
            )
        },
    )
    max_records_per_batch: int = field(
        default=1_000_000, metadata={"meaning": "Target number of records in a batch. 0: no limit."}
    )
    reads_per_second: int = field(
        default=5,
        metadata={
            "meaning": (
                "GetRecords calls per second and shard. Kinesis allows 5 to all consumers of a "
                "shard together, so a lower number leaves room for others. 0: no limit."
            )
        },
    )
    retry_timeout: timedelta = field(
        default=timedelta(minutes=2),
        metadata={
            "meaning": (
                "How long a call is retried while the stream throttles, fails or is unreachable, "
                "or while credentials are missing or rejected."
            )
        },
    )

    def __post_init__(self) -> None:
        if not self.stream:
            raise ConfigError("source.stream must not be empty: it names the Kinesis stream")
        given = "" if self.region == _DEFAULT_REGION else self.region
        try:
            region = region_of(self.stream, given) or self.region
            require_role(self.role_arn, self.role_external_id)
        except ConfigError as error:
            raise ConfigError(f"source: {error}") from None
        object.__setattr__(self, "region", region)
        require_at_least(0, "source.max_records_per_batch", self.max_records_per_batch)
        require_at_least(0, "source.reads_per_second", self.reads_per_second)
        require_positive("source.retry_timeout", self.retry_timeout)

    def options(self) -> dict[str, str]:
        """The options of the `kinesis` format."""
        return {
            "stream": self.stream,
            "region": self.region,
            "endpointUrl": self.endpoint_url,
            "roleArn": self.role_arn,
            "roleExternalId": self.role_external_id,
            "startingPosition": self.start,
            "failOnDataLoss": str(self.fail_on_data_loss).lower(),
            "maxRecordsPerBatch": str(self.max_records_per_batch),
            "readsPerSecond": str(self.reads_per_second),
            "retryTimeout": format_duration(self.retry_timeout),
        }


@dataclass(frozen=True, kw_only=True)
class Lake:
    """Where the tables and the checkpoints are: a path or an s3:// URI each."""

    raw: str = field(metadata={"meaning": "The table `records` is created below it."})
    processed: str = field(
        metadata={"meaning": "The tables `events` and `quarantine` are created below it."}
    )
    checkpoints: str = field(metadata={"meaning": "Progress and state of the queries."})
    s3_endpoint_url: str = field(
        default="", metadata={"meaning": "URL of an S3-compatible server. Empty: AWS."}
    )
    lease: bool = field(
        default=True,
        metadata={
            "meaning": (
                "On S3, let one program at a time commit, by a lease in the object `_lease.json`. "
                "If it is false, you see to that yourself. Local disk and HDFS need no lease."
            )
        },
    )
    lease_duration: timedelta = field(
        default=timedelta(seconds=30),
        metadata={
            "meaning": (
                "How long the lease of a program lasts that does not renew it any more. After a "
                "crash, the next start waits for that long."
            )
        },
    )

    def __post_init__(self) -> None:
        require_at_least(timedelta(seconds=3), "lake.lease_duration", self.lease_duration)
        names = ("raw", "processed", "checkpoints")
        paths = {name: str(getattr(self, name)).rstrip("/") for name in names}
        for name, path in paths.items():
            if not path:
                raise ConfigError(f"lake.{name} must not be empty: it is a path or an s3:// URI")
            for other, other_path in paths.items():
                if name < other and path == other_path:
                    raise ConfigError(f"lake.{other} and lake.{name} are both {path!r}")

    def checkpoint(self, query: str) -> str:
        """The folder of the query's checkpoint."""
        return f"{self.checkpoints.rstrip('/')}/{query}"
