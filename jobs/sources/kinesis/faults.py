"""Classify the faults of a call: those that pass, those that may pass, and those that do not.

`botocore.retries.standard` has the lists of botocore. They are written out here, because botocore's
own retries are off: it considers neither Kinesis's limits nor truncated answers.
"""

from enum import Enum, auto

import botocore.exceptions
from botocore.exceptions import (
    ClientError,
    ConfigParseError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ResponseStreamingError,
    SSOError,
    TokenRetrievalError,
)

from jobs.sources.kinesis.get_records import MalformedAnswerError

THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "KMSThrottlingException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
TRANSIENT = frozenset(
    {
        "IDPCommunicationError",  # of AssumeRoleWithWebIdentity
        "InternalFailure",
        "InternalFailureException",
        "PriorRequestNotComplete",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    }
)
CLOCK = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CLOCK_MESSAGES = ("signature expired", "signature not yet current")
# AWS rejects the credentials. Others may come: renewed keys, another token, a later session.
REJECTED = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
# There are no credentials: a service does not answer, or a file is being written.
MISSING = (
    ConfigParseError,
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    # Before 1.41, botocore has no `aws login`.
    getattr(botocore.exceptions, "LoginError", SSOError),
)


class Fault(Enum):
    """Whether the same call may succeed later.

    PASSING   the stream, the network or a clock is at fault: it may
    DOUBTFUL  the credentials are missing or rejected: it may with others, in a new client
    FINAL     a user must change something first
    """

    PASSING = auto()
    DOUBTFUL = auto()
    FINAL = auto()


def fault_of(error: Exception) -> Fault:
    """The class of an error that boto3 raised."""
    if isinstance(error, MISSING):
        return Fault.DOUBTFUL
    if not isinstance(error, ClientError):
        passes = isinstance(error, MalformedAnswerError) or is_unreachable(error)
        return Fault.PASSING if passes else Fault.FINAL
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in THROTTLED | TRANSIENT or is_clock_fault(error) or status >= 500 or status == 429:
        return Fault.PASSING
    if code == "ResourceInUseException" and error.operation_name == "ListShards":
        return Fault.PASSING  # the stream is being created
    return Fault.DOUBTFUL if code in REJECTED else Fault.FINAL


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed later, with the same credentials."""
    return fault_of(error) is Fault.PASSING


def error_code(error: BaseException | None) -> str:
    """The code of an error answer; empty for anything else."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_unreachable(error: Exception) -> bool:
    """Whether no answer arrived, or only a part of one."""
    return isinstance(
        error, ConnectionError | HTTPClientError | IncompleteReadError | ResponseStreamingError
    )


def is_clock_fault(error: Exception) -> bool:
    """Whether AWS rejects the time of the request: the clock differs, or the machine slept."""
    if not isinstance(error, ClientError):
        return False
    code = error_code(error)
    message = str(error.response.get("Error", {}).get("Message", "")).lower()
    return code in CLOCK or (code in REJECTED and any(text in message for text in _CLOCK_MESSAGES))
