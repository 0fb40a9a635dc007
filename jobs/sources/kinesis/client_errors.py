"""Translate errors of boto3 into a SourceError of one line: the stream, the cause, the action."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from jobs.config import format_duration
from jobs.errors import SourceError
from jobs.sources.kinesis.credential_services import credential_service_exists
from jobs.sources.kinesis.faults import (
    MISSING,
    REJECTED,
    THROTTLED,
    error_code,
    is_clock_fault,
    is_unreachable,
)
from jobs.sources.kinesis.options import KinesisOptions

FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "KMSAccessDeniedException"})
_ASSUME_ROLE = "AssumeRole"
# "Signature expired: 20260131T080000Z is now earlier than … (20260131T081200Z - 5 min.)"
_TIMES = re.compile(r": (\d{8}T\d{6}Z) is .*\((\d{8}T\d{6}Z)")
# The Date header has whole seconds, and requests take a while.
_MIN_SKEW = timedelta(minutes=1)


def to_source_error(error: Exception, options: KinesisOptions) -> SourceError:
    """The SourceError for an error of boto3."""
    where = f"stream '{options.stream}' in {options.region or 'the default region'}"
    if options.endpoint_url:
        where += f" at {options.endpoint_url}"
    return SourceError(f"{where}: {_advice(error, options)}")


def _advice(error: Exception, options: KinesisOptions) -> str:
    cause = _one_line(error)
    code = error_code(error)
    if is_clock_fault(error):
        return f"{_clock(error)} ({cause})"
    if isinstance(error, ClientError) and error.operation_name == _ASSUME_ROLE:
        return _advice_on_role(code, cause, options)
    if code == "ResourceNotFoundException":
        return (
            f"there is no such stream or shard; check its name and region, or create it ({cause})"
        )
    if code in FORBIDDEN:
        return (
            "no permission; allow kinesis:ListShards, GetShardIterator, GetRecords and "
            f"DescribeStreamSummary on it, and kms:Decrypt if it is encrypted ({cause})"
        )
    if code in REJECTED:
        return f"AWS rejects these credentials; renew or correct them ({cause})"
    if code in THROTTLED:
        return (
            "throttled for longer than option 'retryTimeout' allows; lower 'readsPerSecond', "
            f"remove other consumers or add shards ({cause})"
        )
    if code.startswith("KMS"):
        return f"the KMS key that encrypts the stream cannot be used; enable it ({cause})"
    if isinstance(error, MISSING):
        if not isinstance(error, NoCredentialsError):
            return f"AWS credentials cannot be retrieved; check where they come from ({cause})"
        if credential_service_exists():
            return (
                "the service that issues AWS credentials gives none; check the role of this "
                f"machine or container ({cause})"
            )
        return f"no AWS credentials; set up a role, a profile or AWS_ACCESS_KEY_ID ({cause})"
    if isinstance(error, NoRegionError):
        return "no AWS region; set option 'region' or AWS_REGION"
    if is_unreachable(error):
        return f"cannot be reached; check region, 'endpointUrl' and network ({cause})"
    return f"Kinesis failed ({cause})"


def _advice_on_role(code: str, cause: str, options: KinesisOptions) -> str:
    role = f"role '{options.role_arn}'"
    if code in FORBIDDEN:
        return (
            f"no permission to assume {role}; allow sts:AssumeRole on it, name this identity in "
            f"its trust policy, and check the external id ({cause})"
        )
    if code in REJECTED:
        return f"AWS rejects the credentials that assume {role}; renew or correct them ({cause})"
    return f"{role} cannot be assumed ({cause})"


def _clock(error: Exception) -> str:
    """The cause and the action, if AWS rejects the time of a request."""
    ahead = _clock_ahead(error)
    if ahead is None or abs(ahead) < _MIN_SKEW:
        return "AWS rejects the time of the request; check the clock of this machine (NTP)"
    minutes = format_duration(timedelta(minutes=round(abs(ahead) / timedelta(minutes=1))))
    direction = "ahead of" if ahead > timedelta(0) else "behind"
    return f"the clock of this machine is {minutes} {direction} that of AWS; correct it (NTP)"


def _clock_ahead(error: Exception) -> timedelta | None:
    """How far the clock is ahead of AWS: by the Date of the answer, or by the times in it."""
    response = error.response if isinstance(error, ClientError) else {}
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if headers.get("date"):
        return datetime.now(UTC) - parsedate_to_datetime(headers["date"])
    times = _TIMES.search(str(error))
    if times is None:
        return None
    signed, received = (datetime.strptime(time, "%Y%m%dT%H%M%SZ") for time in times.groups())
    return signed - received


def _one_line(error: Exception) -> str:
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        text = f"{answer.get('Code', '')}: {answer.get('Message', '')}"
    else:
        text = str(error)
    return " ".join(text.split())
