"""ARNs of streams and of roles."""

import pytest

from jobs.config.stream_arn import (
    StreamArn,
    is_same_stream,
    parse_stream_arn,
    require_role,
    stream_name,
)
from jobs.errors import ConfigError

ARN = "arn:aws:kinesis:eu-north-1:123456789012:stream/events"


def test_an_arn_has_a_region_an_account_and_a_name() -> None:
    """In each partition of AWS. A name is no ARN."""
    assert parse_stream_arn(ARN) == StreamArn("eu-north-1", "123456789012", "events")
    for partition, region in (("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")):
        parsed = parse_stream_arn(f"arn:{partition}:kinesis:{region}:123456789012:stream/a.b_c-1")
        assert parsed == StreamArn(region, "123456789012", "a.b_c-1")
    assert parse_stream_arn("events") is None
    assert (stream_name(ARN), stream_name("events")) == ("events", "events")


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:kinesis:eu-north-1:12345:stream/events",
        "arn:aws:kinesis::123456789012:stream/events",
        "arn:aws:kinesis:eu-north-1:123456789012:stream/",
        "arn:aws:kinesis:eu-north-1:123456789012:stream/events/consumer/c:1",
        "arn:aws:firehose:eu-north-1:123456789012:deliverystream/events",
        "arn:aws:kinesis:eu-north-1:123456789012:events",
        ARN + "\n",
    ],
)
def test_an_arn_of_something_else_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="expected the name of a stream, or an ARN like"):
        parse_stream_arn(text)


def test_a_name_and_an_arn_are_the_same_stream_if_the_name_is() -> None:
    """Two ARNs are compared as a whole: accounts have streams of the same name."""
    assert is_same_stream("events", ARN)
    assert is_same_stream(ARN, "events")
    assert is_same_stream(ARN, ARN)
    assert not is_same_stream("clicks", ARN)
    assert not is_same_stream("events", "clicks")
    assert not is_same_stream(ARN, ARN.replace("123456789012", "210987654321"))


@pytest.mark.parametrize(
    ("role", "external_id", "expected"),
    [
        ("reader", "", "expected the ARN of a role"),
        ("arn:aws:iam::123456789012:user/reader", "", "expected the ARN of a role"),
        ("", "lake", "an external id needs a role"),
        ("arn:aws:iam::123456789012:role/reader", "a", "expected an external id of 2 to 1224"),
        ("arn:aws:iam::123456789012:role/reader", "a b", "expected an external id of 2 to 1224"),
    ],
)
def test_an_invalid_role_is_an_error(role: str, external_id: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        require_role(role, external_id)


def test_a_role_may_have_a_path_and_an_external_id() -> None:
    require_role("arn:aws:iam::123456789012:role/teams/lake/reader", "lake:2026/1")
    require_role("", "")
