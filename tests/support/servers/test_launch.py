"""Servers run as long as their block, and no longer."""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from jobs.errors import SetupError
from tests.support.processes import descendants, listening
from tests.support.servers import (
    Server,
    fake_kinesis,
    kinesis_local,
    missing_for_kinesis_local,
    moto_server,
)
from tests.support.servers.launch import answers, free_port, running
from tests.support.waiting import wait_until

Launch = Callable[[], AbstractContextManager[Server]]


@pytest.mark.parametrize("launch", [moto_server, lambda: fake_kinesis(own_process=True)])
def test_a_server_answers_as_long_as_its_block_runs(launch: Launch) -> None:
    with launch() as server:
        assert server.client().list_streams()["StreamNames"] == []

    assert not answers(server.url)


needs_kinesis_local = pytest.mark.skipif(
    missing_for_kinesis_local() is not None, reason=str(missing_for_kinesis_local())
)


@needs_kinesis_local
def test_kinesis_local_is_installed_once_and_stopped() -> None:
    with kinesis_local() as server:
        assert server.client().list_streams()["StreamNames"] == []

    assert not answers(server.url)


@needs_kinesis_local
def test_kinesis_local_listens_on_loopback_only() -> None:
    """Its two ports are open on 127.0.0.1, and nothing of it is on another address."""
    before = descendants(os.getpid())

    with kinesis_local() as server:
        started = descendants(os.getpid()) - before
        wait_until(lambda: len(listening(started)) == 2, "two open ports", 30)

        port = int(server.url.rpartition(":")[2])
        assert listening(started) == {("127.0.0.1", port), ("127.0.0.1", server.tls_port)}


def test_a_server_is_stopped_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), moto_server() as server:
        1 / 0  # noqa: B018

    assert not answers(server.url)


def test_the_error_of_a_program_that_ends_at_once_has_its_output() -> None:
    port = free_port()
    command = [sys.executable, "-c", "print('no licence'); raise SystemExit(3)"]

    with (
        pytest.raises(SetupError, match="no licence"),
        running(command, f"http://127.0.0.1:{port}"),
    ):
        pass


def test_in_ci_no_server_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js, a test is skipped with the reason. In CI it runs, and fails."""
    monkeypatch.setenv("PATH", "")

    monkeypatch.delenv("CI", raising=False)
    assert missing_for_kinesis_local() == (
        "kinesis-local needs node and npm (Node.js 18 or newer) on the PATH"
    )
    monkeypatch.setenv("CI", "true")
    assert missing_for_kinesis_local() is None
    with pytest.raises(SetupError, match="Node"), kinesis_local():
        pass
