"""Errors as boto3 raises them."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

UNREACHABLE = EndpointConnectionError(endpoint_url="http://nowhere")


def answered(
    code: str, status: int = 400, *, message: str = "two\nlines", operation: str = "GetRecords"
) -> ClientError:
    """An error answer of AWS, by default with a message of two lines."""
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, operation)
