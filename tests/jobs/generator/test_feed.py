"""`generate` puts what it says it has put, at the rate that it is told."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import boto3
import pytest

from jobs.config.settings import Source
from jobs.errors import SourceError
from jobs.generator import feed as generate
from jobs.generator.feed import Feed
from jobs.generator.producer import Producer, batches
from jobs.generator.traffic import Mix, Record, Tally
from tests.support.servers import Server, moto_server


def record(name: str, size: int = 1) -> Record:
    return Record(partition_key=name, data=b"x" * size, sort="event")


# --- Batches ---


def test_a_call_holds_at_most_500_records():
    cut = list(batches(record("k") for _ in range(1100)))
    assert [len(batch) for batch in cut] == [500, 500, 100]


def test_a_call_holds_at_most_5_mib_of_data_and_keys():
    """Kinesis counts the partition keys too."""
    mib = 1024 * 1024
    fits = [record("k" * 10, mib - 10) for _ in range(5)]
    assert [len(batch) for batch in batches([*fits, record("", 1)])] == [5, 1]


# --- The producer ---


class PickyStream:
    """Refuses the records of `refused` in the first call that has them."""

    def __init__(self, *refused: str) -> None:
        self.refused = set(refused)
        self.calls: list[list[str]] = []

    def put_records(self, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        keys = [each["PartitionKey"] for each in Records]
        self.calls.append(keys)
        results = [
            {"ErrorCode": "ProvisionedThroughputExceededException"} if key in self.refused else {}
            for key in keys
        ]
        self.refused -= set(keys)
        return {"Records": results}


def test_only_refused_records_are_sent_again(monkeypatch: pytest.MonkeyPatch):
    """Sending all of them again would put the others twice."""
    stream, waits = PickyStream("b", "d"), []
    monkeypatch.setattr(boto3, "client", lambda *_, **__: stream)
    producer = Producer(Source(stream="s"), sleep=waits.append)
    producer.put([record(name) for name in "abcde"])
    assert stream.calls == [["a", "b", "c", "d", "e"], ["b", "d"]]
    assert len(waits) == 1


# --- The feed ---


class FakeTime:
    """A clock, and an event whose waits move it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.is_stopped = False

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return self.is_stopped

    def is_set(self) -> bool:
        return self.is_stopped

    def set(self) -> None:
        self.is_stopped = True


def feed(put: Any, time: FakeTime, **options: Any) -> Feed:
    return Feed(put, Mix(), clock=time.clock, stopping=time, **options)  # type: ignore[arg-type]


def test_a_feed_keeps_to_its_rate():
    time = FakeTime()
    feed(lambda batch: None, time, rate=100, limit=1000).run(lambda: None)
    assert time.now - 100.0 == pytest.approx(10.0)


def test_a_feed_ends_at_its_limit_or_its_duration():
    time = FakeTime()
    by_limit = feed(lambda batch: None, time, rate=1000, limit=1234)
    by_limit.run(lambda: None)
    by_duration = feed(lambda batch: None, time, rate=1000, duration=timedelta(seconds=3))
    by_duration.run(lambda: None)
    assert by_limit.tally.of() == 1234
    assert by_duration.tally.of() == 3000


def test_a_stopped_feed_has_counted_exactly_what_was_put():
    time, put = FakeTime(), []

    def put_and_stop(batch: list[Record]) -> None:
        put.extend(batch)
        if len(put) > 1200:
            stopped.stop()

    stopped = feed(put_and_stop, time, rate=10_000)
    stopped.run(lambda: None)
    assert stopped.tally.of() == len(put) == 1500


def test_a_failed_call_is_not_counted():
    time, calls = FakeTime(), []

    def put_once(batch: list[Record]) -> None:
        calls.append(batch)
        if len(calls) == 2:
            raise SourceError("gone")

    failing = feed(put_once, time, rate=10_000)
    with pytest.raises(SourceError):
        failing.run(lambda: None)
    assert failing.tally.of() == 500


# --- Options and summary ---


def test_shares_and_counts_are_read_as_people_write_them():
    assert generate.share("5%") == 0.05
    assert generate.share("0.5%") == 0.005
    assert generate.count("60_000") == generate.count("60,000") == 60_000


@pytest.mark.parametrize("text", ["5", "0.05", "-1%", "five%", "%"])
def test_a_share_needs_its_percent_sign(text: str):
    with pytest.raises(argparse.ArgumentTypeError, match="wanted a share like 5%"):
        generate.share(text)


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "many", "", "_"])
def test_a_count_is_a_whole_number_of_at_least_1(text: str):
    with pytest.raises(argparse.ArgumentTypeError, match="wanted a number of 1 or more"):
        generate.count(text)


def test_the_summary_says_what_the_tables_must_hold():
    tally = Tally()
    tally.add([Record("k", b"", "event")] * 1200)
    tally.add([Record("k", b"", "late")] * 30)
    tally.add([Record("k", b"", "twin", "same bytes")] * 7)
    tally.add([Record("k", b"", "broken", "nothing"), Record("k", b"", "broken", "Latin-1")])
    assert generate.summary(tally).splitlines() == [
        "put 1,239 records:",
        "    1,230 events: 1,200 on time, 30 late",
        "        7 twins: 7 same bytes",
        "        2 broken: 1 not_json, 1 not_utf8",
    ]


# --- Against a server ---


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with moto_server() as started:
        yield started


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def arguments_of(server: Server, stream: str, *options: str) -> list[str]:
    settings = (f"source.stream={stream}", f"source.endpoint_url={server.url}")
    return [*(part for each in settings for part in ("--set", each)), *options]


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config")
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    generate.add_arguments(parser)
    return parser.parse_args(arguments)


def records_on(server: Server, stream: str) -> list[bytes]:
    api = boto3.client("kinesis", region_name="us-east-1", endpoint_url=server.url)
    found = []
    for shard in api.list_shards(StreamName=stream)["Shards"]:
        iterator = api.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += api.get_records(ShardIterator=iterator, Limit=10_000)["Records"]
    return [each["Data"] for each in found]


def test_generate_makes_the_stream_and_puts_all_records(
    server: Server, capsys: pytest.CaptureFixture[str]
):
    options = ("--events", "1234", "--rate", "100000", "--create-stream", "2", "--seed", "1")
    code = generate.run(parsed(arguments_of(server, "made", *options)))
    assert code == 0
    assert "put 1,234 records" in capsys.readouterr().out
    assert len(records_on(server, "made")) == 1234


def test_a_missing_stream_is_told_with_what_to_do(server: Server):
    arguments = parsed(arguments_of(server, "absent", "--events", "1"))
    with pytest.raises(SourceError, match=r"no stream 'absent' in us-east-1.*--create-stream"):
        generate.run(arguments)


@pytest.mark.parametrize("wanted", [0, 1], ids=["at once", "with records"])
def test_ctrl_c_ends_with_the_summary_of_what_is_on_the_stream(server: Server, wanted: int):
    """So that results can be compared however long it ran."""
    stream = f"interrupted-{wanted}"
    options = ("--create-stream", "1", "--rate", "200")
    command = [sys.executable, "-m", "jobs", "generate"]
    with subprocess.Popen(
        [*command, *arguments_of(server, stream, *options)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it says that it begins
        while len(records_on(server, stream)) < wanted:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    put = len(records_on(server, stream))
    assert process.returncode == 0
    assert (f"put {put:,} records" in said) == (put > 0)
