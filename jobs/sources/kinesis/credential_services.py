"""Find out whether this machine has a service that issues credentials, even if it fails now."""

import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import botocore.session

_NAMED = (
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
_METADATA_SERVICE = {"ipv4": "http://169.254.169.254/", "ipv6": "http://[fd00:ec2::254]/"}
_CONNECT_SECONDS = 1.0


def credential_service_exists(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether credentials come from a container, a token or EC2's metadata service.

    The environment names the first two. The metadata service exists if it accepts a connection.
    Keys in the environment come before all services, so none is used.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        return False
    if any(environment.get(name) for name in _NAMED):
        return True
    if environment.get("AWS_EC2_METADATA_DISABLED", "false").lower() == "true":
        return False
    return _accepts_connections(_metadata_service())


def _metadata_service() -> str:
    session = botocore.session.get_session()
    given = session.get_config_variable("ec2_metadata_service_endpoint")
    mode = str(session.get_config_variable("ec2_metadata_service_endpoint_mode") or "ipv4")
    return str(given or _METADATA_SERVICE.get(mode.lower(), _METADATA_SERVICE["ipv4"]))


def _accepts_connections(url: str) -> bool:
    try:
        address = urlsplit(url)
        target = (address.hostname or "", address.port or 80)
        with socket.create_connection(target, timeout=_CONNECT_SECONDS):
            return True
    except (OSError, ValueError):  # nobody listens, or the URL is invalid
        return False
