"""Whether a machine has a service that issues credentials."""

from collections.abc import Iterator

import pytest

from jobs.sources.kinesis.credential_services import credential_service_exists
from tests.support.servers.credential_fake import credential_service
from tests.support.servers.launch import free_port


@pytest.fixture
def metadata_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with credential_service() as service:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
        yield service.url


@pytest.mark.parametrize(
    "variable",
    [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ],
)
def test_the_environment_names_a_service(variable: str) -> None:
    """Keys in the environment come first, so the service is not used."""
    named = {variable: "/credentials", "AWS_EC2_METADATA_DISABLED": "true"}
    assert credential_service_exists(named)
    assert not credential_service_exists(named | {"AWS_ACCESS_KEY_ID": "key"})


def test_the_metadata_service_exists_if_it_accepts_connections(metadata_url: str) -> None:
    """Unless it is disabled."""
    assert credential_service_exists({})
    assert not credential_service_exists({"AWS_EC2_METADATA_DISABLED": "TRUE"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "http://127.0.0.1:x"])
def test_an_address_that_nobody_answers_is_no_service(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = url.format(port=free_port())
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
    assert not credential_service_exists({})
