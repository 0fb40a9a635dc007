"""Translate errors of boto3 into a SourceError of one line: the stream, the cause, the action."""

from botocore.exceptions import (
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from jobs.errors import SourceError
from jobs.sources.kinesis.options import KinesisOptions
from jobs.sources.kinesis.retry import THROTTLED, error_code, is_unreachable

_FORBIDDEN = {"AccessDeniedException", "AccessDenied", "KMSAccessDeniedException"}
_BAD_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}


def to_source_error(error: Exception, options: KinesisOptions) -> SourceError:
    """The SourceError for an error of boto3."""
    where = f"stream '{options.stream}' in {options.region or 'the default region'}"
    if options.endpoint_url:
        where += f" at {options.endpoint_url}"
    return SourceError(f"{where}: {_advice(error)}")


def _advice(error: Exception) -> str:
    cause = _one_line(error)
    code = error_code(error)
    if code == "ResourceNotFoundException":
        return (
            f"there is no such stream or shard; check its name and region, or create it ({cause})"
        )
    if code in _FORBIDDEN:
        return (
            "no permission; allow kinesis:ListShards, GetShardIterator, GetRecords and "
            f"DescribeStreamSummary on it, and kms:Decrypt if it is encrypted ({cause})"
        )
    if code in _BAD_CREDENTIALS:
        return f"AWS rejects these credentials; renew or correct them ({cause})"
    if code in THROTTLED:
        return (
            "throttled for longer than option 'retryTimeout' allows; lower 'readsPerSecond', "
            f"remove other consumers or add shards ({cause})"
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"no AWS credentials; set up a role, a profile or AWS_ACCESS_KEY_ID ({cause})"
    if isinstance(error, NoRegionError):
        return "no AWS region; set option 'region' or AWS_REGION"
    if is_unreachable(error):
        return f"cannot be reached; check region, 'endpointUrl' and network ({cause})"
    return f"Kinesis failed ({cause})"


def _one_line(error: Exception) -> str:
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        text = f"{answer.get('Code', '')}: {answer.get('Message', '')}"
    else:
        text = str(error)
    return " ".join(text.split())
