"""The demo's server ends with the demo, however the demo ends."""

import subprocess
import sys
import urllib.error
import urllib.request

import boto3
import pytest

from jobs.demo import local_kinesis as module
from jobs.demo.local_kinesis import local_kinesis, use_demo_credentials
from jobs.errors import SetupError
from tests.support.processes import descendants, end_of

HOLD = """
import sys
sys.path[:0] = {path!r}
from jobs.demo.local_kinesis import local_kinesis
with local_kinesis() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "of-the-user")
    monkeypatch.setenv("AWS_PROFILE", "of-the-user")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")


def test_the_server_takes_records_and_is_gone_afterwards() -> None:
    """It lives as long as the block."""
    use_demo_credentials()
    with local_kinesis() as url:
        api = boto3.client("kinesis", region_name="us-east-1", endpoint_url=url)
        api.create_stream(StreamName="s", ShardCount=4)
        answer = api.put_record(StreamName="s", Data=b"x", PartitionKey="k")
    assert answer["ShardId"].startswith("shardId-")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)


def test_the_server_ends_when_its_demo_is_killed() -> None:
    """Nobody can catch SIGKILL, so the server itself must notice."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(path=sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as demo:
        assert demo.stdout is not None
        demo.stdout.readline()
        servers = descendants(demo.pid)
        demo.kill()
    assert len(servers) == 1
    assert all(end_of(server) for server in servers)


def test_without_moto_the_demo_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways are in the error."""
    monkeypatch.setattr(module, "find_spec", lambda package: None)
    with pytest.raises(SetupError, match=r"spark-submit\.sh demo.*event-lake\[demo\]"):
        local_kinesis().__enter__()


def test_the_users_credentials_and_proxy_stay_out_of_the_demo() -> None:
    """The demo never talks to AWS."""
    use_demo_credentials()
    session = boto3.Session()
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.access_key == "demo"
    assert session.profile_name == "default"
