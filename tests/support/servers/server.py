"""A server that runs for a test: its address, and a client for it."""

from dataclasses import dataclass
from typing import Any

REGION = "us-east-1"


@dataclass(frozen=True)
class Server:
    """Kinesis, or several services of AWS, on loopback.

    tls_port: the port for HTTPS, of a server that has one
    """

    name: str
    url: str
    tls_port: int = 0

    def client(self, service: Any = "kinesis") -> Any:
        """A boto3 client without retries, so that a test gets every answer."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )
