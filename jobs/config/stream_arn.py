"""The ARN of a Kinesis stream, which may take the place of its name, and the ARN of a role."""

import re
from dataclasses import dataclass

from jobs.errors import ConfigError

_PARTITION = r"arn:aws[a-z-]*"
_STREAM = re.compile(
    rf"{_PARTITION}:kinesis:([a-z0-9-]+):(\d{{12}}):stream/([a-zA-Z0-9_.-]{{1,128}})"
)
_ROLE = re.compile(rf"{_PARTITION}:iam::\d{{12}}:role/[\w+=,.@/-]{{1,512}}", re.ASCII)
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


@dataclass(frozen=True)
class StreamArn:
    """The parts of an ARN that a reader needs."""

    region: str
    account: str
    name: str


def parse_stream_arn(stream: str) -> StreamArn | None:
    """`"arn:aws:kinesis:eu-west-1:123456789012:stream/events"` -> its parts. None for a name.

    Raises:
        ConfigError: the text begins like an ARN, but is not that of a stream.
    """
    if not stream.startswith("arn:"):
        return None
    match = _STREAM.fullmatch(stream)
    if match is None:
        raise ConfigError(
            "expected the name of a stream, or an ARN like "
            f"arn:aws:kinesis:eu-west-1:123456789012:stream/events, got {stream!r}"
        )
    return StreamArn(*match.groups())


def stream_name(stream: str) -> str:
    """The name of a stream that is given by its name or by its ARN."""
    arn = parse_stream_arn(stream)
    return stream if arn is None else arn.name


def region_of(stream: str, region: str) -> str:
    """The region of a stream: that of its ARN, or `region`.

    Raises:
        ConfigError: `region` is another one than that of the ARN, or the ARN is invalid.
    """
    arn = parse_stream_arn(stream)
    if arn is None or region == arn.region:
        return region
    if region:
        raise ConfigError(
            f"the region is {region!r}, but the stream {stream} is in {arn.region!r}; remove the "
            "region, or correct one of the two"
        )
    return arn.region


def is_same_stream(stream: str, other: str) -> bool:
    """Whether two streams are the same, as far as can be seen: a name has no account or region."""
    if stream.startswith("arn:") == other.startswith("arn:"):
        return stream == other
    return stream.rpartition("/")[2] == other.rpartition("/")[2]


def require_role(role_arn: str, external_id: str) -> None:
    """Check the role to assume, and its external id. Both may be empty.

    Raises:
        ConfigError: one of them is invalid, or there is an external id without a role.
    """
    if role_arn and not _ROLE.fullmatch(role_arn):
        raise ConfigError(
            "expected the ARN of a role, like arn:aws:iam::123456789012:role/reader, got "
            f"{role_arn!r}"
        )
    if external_id and not role_arn:
        raise ConfigError("an external id needs a role; set the ARN of the role to assume")
    if external_id and not _EXTERNAL_ID.fullmatch(external_id):
        raise ConfigError(
            "expected an external id of 2 to 1224 letters, digits or _+=,.@:/-, got "
            f"{external_id!r}"
        )
