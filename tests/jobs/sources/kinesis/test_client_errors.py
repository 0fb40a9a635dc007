"""Errors of boto3: each becomes one line with the stream, the cause and an action."""

import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError

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
        (NoRegionError(), "set option 'region' or AWS_REGION"),
    ],
)
def test_an_error_is_one_line_with_an_action(error: Exception, expected: str) -> None:
    options = KinesisOptions.parse({"stream": "events", "endpointUrl": "http://localhost:1"})
    text = str(to_source_error(error, options))
    assert text.startswith("stream 'events' in the default region at http://localhost:1: ")
    assert expected in text
    assert "\n" not in text
