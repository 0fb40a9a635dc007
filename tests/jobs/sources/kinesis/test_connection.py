"""Credentials that are missing for a while, and those of an assumed role.

The services that issue them are the fakes of `credential_fake`, on loopback.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs.errors import SourceError
from jobs.sources.kinesis.client import KinesisClient
from jobs.sources.kinesis.options import KinesisOptions
from tests.support.kinesis.numbered import SHARDS, STREAM, by_shard, numbered, put_numbered
from tests.support.kinesis.reading import Query
from tests.support.servers import FakeKinesis
from tests.support.servers.credential_fake import HANG, CredentialService, credential_service
from tests.support.servers.fake_faults import Kind
from tests.support.servers.server import REGION

ROLE = "arn:aws:iam::123456789012:role/reader"


@pytest.fixture
def service() -> Iterator[CredentialService]:
    with credential_service() as running:
        yield running


@pytest.fixture
def metadata(service: CredentialService, monkeypatch: pytest.MonkeyPatch) -> CredentialService:
    """The metadata service is the only source of credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
    return service


@pytest.fixture
def sts(service: CredentialService, monkeypatch: pytest.MonkeyPatch) -> CredentialService:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", service.url)
    return service


def client_of(fake: FakeKinesis, **more: str) -> KinesisClient:
    options = {"stream": STREAM, "region": REGION, "endpointUrl": fake.url, **more}
    return KinesisClient(KinesisOptions.parse(options), sleep=lambda _: None)


@pytest.mark.parametrize(
    "faults",
    [
        # Each attempt asks for a token, and then for the name of the role.
        [503] * 12,
        [HANG, HANG],
        [200, 404] * 6,
    ],
    ids=["answers 503", "hangs", "has no role yet"],
)
def test_a_metadata_service_that_fails_is_asked_again(
    fake: FakeKinesis, metadata: CredentialService, faults: list[int]
) -> None:
    """At the first start too, and more often than an address that nobody answers."""
    metadata.faults.extend(faults)
    assert sorted(client_of(fake).shards()) == list(SHARDS)
    assert not metadata.faults


def test_an_executor_recovers_from_a_start_without_credentials(
    fake: FakeKinesis, metadata: CredentialService
) -> None:
    """The client of a worker process is kept for all its tasks, also if the first one failed."""
    put_numbered(fake, 0, 5)
    query = Query(fake, STREAM, retryTimeout="0 seconds")
    end = query.plan()
    metadata.faults.extend([503, 503])
    with pytest.raises(SourceError, match="the service that issues AWS credentials gives none"):
        query.read(query.offset, end)
    assert by_shard(query.read(query.offset, end)) == numbered(0, 5)


def test_a_machine_without_credentials_is_reported_after_a_few_attempts(
    fake: FakeKinesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    waits: list[float] = []
    client = client_of(fake)
    client.sleep = waits.append
    with pytest.raises(SourceError, match="no AWS credentials; set up a role"):
        client.shards()
    assert len(waits) == 3


def test_an_invalid_endpoint_is_an_error_of_one_line(fake: FakeKinesis) -> None:
    client = KinesisClient(
        KinesisOptions.parse({"stream": STREAM, "region": REGION, "endpointUrl": "nowhere"})
    )
    with pytest.raises(SourceError, match="Invalid endpoint: nowhere"):
        client.shards()


def test_a_role_is_assumed_on_the_driver_and_on_the_executors(
    fake: FakeKinesis, sts: CredentialService
) -> None:
    """With the external id, and with the credentials of the role in the calls to Kinesis."""
    put_numbered(fake, 0, 5)
    query = Query(fake, STREAM, roleArn=ROLE, roleExternalId="lake-1")
    end = query.plan()
    on_driver = len(sts.assumed)
    assert on_driver >= 1
    assert by_shard(query.read(query.offset, end)) == numbered(0, 5)
    assert len(sts.assumed) > on_driver
    for request in sts.assumed:
        assert request["Action"] == "AssumeRole"
        assert request["RoleArn"] == ROLE
        assert request["ExternalId"] == "lake-1"


def test_credentials_of_a_role_are_renewed_before_they_expire(
    fake: FakeKinesis, sts: CredentialService
) -> None:
    """Long-lived ones are kept; those that soon expire are renewed at the next call."""
    client = client_of(fake, roleArn=ROLE)
    sts.lifetime = timedelta(hours=1)
    client.shards()
    client.shards()
    assert len(sts.assumed) == 1
    sts.lifetime = timedelta(minutes=5)
    short = client_of(fake, roleArn=ROLE)
    short.shards()
    before = len(sts.assumed)
    sts.lifetime = timedelta(hours=1)
    short.shards()
    assert len(sts.assumed) == before + 1
    short.shards()
    assert len(sts.assumed) == before + 1


def test_a_role_that_may_not_be_assumed_is_named(fake: FakeKinesis, sts: CredentialService) -> None:
    """It is no passing fault, so the call is not repeated."""
    sts.denied = True
    message = f"no permission to assume role '{ROLE}'; allow sts:AssumeRole on it.*AccessDenied"
    with pytest.raises(SourceError, match=message):
        client_of(fake, roleArn=ROLE).shards()
    assert len(sts.assumed) == 1


def test_sts_that_fails_is_asked_again(fake: FakeKinesis, sts: CredentialService) -> None:
    sts.faults.extend([503, 500, 503, 503, 503])
    assert sorted(client_of(fake, roleArn=ROLE).shards()) == list(SHARDS)


def test_rejected_credentials_are_replaced(fake: FakeKinesis, sts: CredentialService) -> None:
    """Another client asks for other credentials, although the rejected ones are valid for long."""
    client = client_of(fake, roleArn=ROLE)
    client.shards()
    fake.fail(Kind.TOKEN_EXPIRED, "ListShards", times=2)
    client.shards()
    assert len(sts.assumed) == 3
