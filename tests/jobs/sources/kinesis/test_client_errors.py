"""Errors of boto3: each becomes one line with the stream, the cause and an action."""

import pytest
from botocore.exceptions import CredentialRetrievalError, NoCredentialsError, NoRegionError

from jobs.sources.kinesis.client_errors import to_source_error
from jobs.sources.kinesis.options import KinesisOptions
from tests.support.kinesis.errors import UNREACHABLE, answered


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("ResourceNotFoundException"), "check its name and region, or create it"),
        (answered("AccessDeniedException"), "allow kinesis:ListShards, GetShardIterator, GetReco"),
        (answered("UnrecognizedClientException"), "renew or correct them"),
        (answered("LimitExceededException"), "lower 'readsPerSecond'"),
        (answered("Odd"), "Kinesis failed (Odd: two lines)"),
        (UNREACHABLE, "check region, 'endpointUrl' and network"),
        (NoCredentialsError(), "set up a role, a profile or AWS_ACCESS_KEY_ID"),
        (answered("KMSDisabledException"), "the KMS key that encrypts the stream cannot be used"),
        (
            answered(
                "InvalidSignatureException",
                message="Signature expired: 20260131T080000Z is now earlier than "
                "20260131T080700Z (20260131T081200Z - 5 min.)",
            ),
            "the clock of this machine is 12 minutes behind that of AWS; correct it (NTP)",
        ),
        (
            answered(
                "InvalidSignatureException",
                message="Signature not yet current: 20260131T081700Z is still later than "
                "20260131T081500Z (20260131T081000Z + 5 min.)",
            ),
            "the clock of this machine is 7 minutes ahead of that of AWS; correct it (NTP)",
        ),
        (answered("RequestExpired"), "check the clock of this machine (NTP)"),
        (
            answered("AccessDenied", 403, operation="AssumeRole"),
            "no permission to assume role 'arn:aws:iam::123456789012:role/reader'; allow sts:",
        ),
        (
            answered("InvalidClientTokenId", 403, operation="AssumeRole"),
            "AWS rejects the credentials that assume role 'arn:aws:iam::123456789012:role/reader'",
        ),
        (
            CredentialRetrievalError(provider="iam-role", error_msg="no answer"),
            "AWS credentials cannot be retrieved; check where they come from",
        ),
        (NoRegionError(), "set option 'region' or AWS_REGION"),
    ],
)
def test_an_error_is_one_line_with_an_action(error: Exception, expected: str) -> None:
    options = KinesisOptions.parse(
        {
            "stream": "events",
            "endpointUrl": "http://localhost:1",
            "roleArn": "arn:aws:iam::123456789012:role/reader",
        }
    )
    text = str(to_source_error(error, options))
    assert text.startswith("stream 'events' in the default region at http://localhost:1: ")
    assert expected in text
    assert "\n" not in text
