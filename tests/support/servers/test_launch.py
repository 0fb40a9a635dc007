"""Servers run while they are wanted, and not longer."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from jobs.errors import MachineError
from tests.support.servers import (
    Server,
    fake_kinesis,
    kinesis_local,
    missing_for_kinesis_local,
    moto_server,
)
from tests.support.servers.launch import answers, free_port, running

Launch = Callable[[], AbstractContextManager[Server]]


@pytest.mark.parametrize("launch", [moto_server, lambda: fake_kinesis(own_process=True)])
def test_a_server_answers_as_long_as_its_block_runs(launch: Launch) -> None:
    with launch() as server:
        assert server.client().list_streams()["StreamNames"] == []

    assert not answers(server.url)


def test_kinesis_local_is_installed_once_and_stopped() -> None:
    missing = missing_for_kinesis_local()
    if missing:
        pytest.skip(missing)

    with kinesis_local() as server:
        assert server.client().list_streams()["StreamNames"] == []

    assert not answers(server.url)


def test_a_server_is_stopped_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), moto_server() as server:
        1 / 0  # noqa: B018

    assert not answers(server.url)


def test_a_program_that_ends_at_once_is_an_error_with_its_last_words() -> None:
    port = free_port()
    command = [sys.executable, "-c", "print('no licence'); raise SystemExit(3)"]

    with (
        pytest.raises(MachineError, match="no licence"),
        running(command, f"http://127.0.0.1:{port}"),
    ):
        pass


def test_in_ci_nothing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Node.js is missing, a test is skipped with the reason; in CI it runs, and fails."""
    monkeypatch.setenv("PATH", "")

    monkeypatch.delenv("CI", raising=False)
    assert missing_for_kinesis_local() == (
        "kinesis-local needs node and npm (Node.js 18 or newer) on the PATH"
    )
    monkeypatch.setenv("CI", "true")
    assert missing_for_kinesis_local() is None
    with pytest.raises(MachineError, match="Node"), kinesis_local():
        pass
