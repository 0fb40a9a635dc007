"""The command `generate` puts the records that it reports, at the requested rate."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import boto3
import pytest

from jobs.cli import generate
from jobs.cli.options import add_common_options
from jobs.config import load_settings
from jobs.errors import SourceError
from tests.support.servers import Server, moto_server

MAX_SECONDS = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with moto_server() as running:
        yield running


def arguments_of(server: Server, stream: str, *options: str) -> list[str]:
    settings = (f"source.stream={stream}", f"source.endpoint_url={server.url}")
    return [*(word for setting in settings for word in ("--set", setting)), *options]


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_common_options(parser)
    generate.add_arguments(parser)
    return parser.parse_args(arguments)


def run(arguments: Sequence[str]) -> int:
    """Run the command in this process, without its handling of errors."""
    given = parsed(arguments)
    settings = load_settings(
        given.config, given.overrides, {}, defaults=dict(generate.COMMAND.defaults)
    )
    return generate.run(settings, given)


def records_on(server: Server, stream: str) -> list[bytes]:
    api = boto3.client("kinesis", region_name="us-east-1", endpoint_url=server.url)
    data: list[bytes] = []
    for shard in api.list_shards(StreamName=stream)["Shards"]:
        iterator = api.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = api.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
        data += [record["Data"] for record in records]
    return data


@contextmanager
def generating(arguments: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own, which is killed after `MAX_SECONDS`."""
    with subprocess.Popen(
        [sys.executable, "-m", "jobs", "generate", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        watchdog = threading.Timer(MAX_SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def test_the_options_have_the_documented_defaults() -> None:
    given = parsed([])
    assert (given.events, given.duration, given.rate) == (None, None, 1000)
    assert (given.seed, given.create_stream) == (None, None)
    assert (given.names, given.duplicates, given.late, given.broken) == (100, 0.05, 0.01, 0.01)


def test_options_are_parsed_as_people_write_them() -> None:
    given = parsed(
        ["--events", "60_000", "--duration", "10 minutes", "--rate", "2,000", "--late", "2%"]
    )
    assert (given.events, given.rate, given.late) == (60_000, 2_000, 0.02)
    assert given.duration == timedelta(minutes=10)


def test_generate_creates_the_stream_and_puts_all_records(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--events", "1234", "--rate", "100000", "--create-stream", "2", "--seed", "1")
    code = run(arguments_of(server, "created", *options))
    assert code == 0
    assert "put 1,234 records" in capsys.readouterr().out
    assert len(records_on(server, "created")) == 1234


def test_the_error_of_a_missing_stream_names_the_option(server: Server) -> None:
    with pytest.raises(SourceError, match=r"no stream 'absent' in us-east-1.*--create-stream"):
        run(arguments_of(server, "absent", "--events", "1"))


@pytest.mark.parametrize("least", [0, 1], ids=["at once", "with records"])
def test_ctrl_c_ends_with_the_report_of_the_records_on_the_stream(
    server: Server, least: int
) -> None:
    """The tables can be compared with the report, however long the command ran."""
    stream = f"interrupted-{least}"
    options = ("--create-stream", "1", "--rate", "200")
    with generating(arguments_of(server, stream, *options)) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"putting records on stream '{stream}'")
        while len(records_on(server, stream)) < least:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        report = process.stdout.read()
        assert process.wait(MAX_SECONDS) == 0
    put = len(records_on(server, stream))
    assert (f"put {put:,} records" in report) == (put > 0)
