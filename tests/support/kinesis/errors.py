"""Errors as boto3 raises them."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

UNREACHABLE = EndpointConnectionError(endpoint_url="http://nowhere")


def answered(code: str, status: int = 400) -> ClientError:
    """An error answer of Kinesis, with a message of two lines."""
    response: Any = {
        "Error": {"Code": code, "Message": "two\nlines"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GetRecords")
