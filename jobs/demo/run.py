"""`demo`: the whole way on this machine, from a Kinesis stream to a query, and the proof."""

import argparse
import logging
import os
import shlex
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pyspark.sql import SparkSession

from jobs.audit import verify as audit
from jobs.config import loader as config
from jobs.config.settings import Settings
from jobs.demo import local_kinesis as embedded
from jobs.demo import workspace as demo_folder
from jobs.demo.progress import Progress, Watch
from jobs.demo.report import counts, late_events, sample_query
from jobs.generator.feed import Feed, add_mix_arguments, count, mix_of
from jobs.generator.producer import Producer
from jobs.generator.traffic import Tally
from jobs.lake.tables import tables
from jobs.reporting.status_line import StatusLine
from jobs.runtime import session
from jobs.runtime.signals import handled_by, interrupt
from jobs.runtime.spark_errors import explained
from jobs.streaming import ingest, process
from jobs.streaming.runner import Run

_STREAM = "demo"
_SHARDS = 4
# As much as Kinesis takes: 1,000 records a second and shard.
_RATE = 1000 * _SHARDS
_STOPPED = 130
_LAUNCHER = Path(__file__).parents[2] / "spark-submit.sh"

# Small batches and a short window, so that a minute shows what takes an hour elsewhere.
_DEFAULTS: config.Tree = {
    "source": {"max_records_per_batch": 20_000},
    "stream": {"trigger": "2 seconds"},
    "once": {"window": "1 minute", "max_future": "10 seconds"},
    "fields": {
        "user_id": {"path": "$.user_id", "type": "bigint"},
        "platform": {"path": "$.platform", "type": "string"},
        "amount": {"path": "$.details.amount", "type": "decimal(12,2)"},
        "currency": {"path": "$.details.currency", "type": "string"},
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo`."""
    parser.add_argument(
        "--events", type=count, default=60_000, metavar="N", help="records to put (60,000)"
    )
    parser.add_argument(
        "--dir", default="event-lake-demo", metavar="DIR", help="its lake (./event-lake-demo)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="other events (1)")
    add_mix_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo. Answers 0 when all numbers agree, 1 when not, 130 when it was stopped.

    Raises:
        ConfigError: a setting or an option cannot be.
        MachineError: moto is not installed, or does not start.
        LakeError: the folder of the lake cannot be used.
    """
    if not arguments.verbose:
        logging.getLogger().setLevel(logging.ERROR)
        logging.getLogger("event-lake").setLevel(logging.ERROR)
    mix = mix_of(arguments, arguments.seed)
    folder = Path(arguments.dir).resolve()
    embedded.use_demo_credentials()
    with handled_by(interrupt, signal.SIGTERM), embedded.kinesis() as url:
        settings = _settings(arguments, folder, url)
        demo_folder.make_anew(folder)
        config_file = demo_folder.write_settings(folder, settings)
        producer = Producer(settings.source)
        producer.create_stream(_SHARDS)
        print(
            f"\nThe whole way: a Kinesis stream of {_SHARDS} shards -> raw -> events, each once"
            f"\n\n  stream   '{_STREAM}', moto on {url}\n  lake     {folder}"
            f"\n  records  {arguments.events:,} of {mix.names:,} names: {mix.twins:.0%} twins, "
            f"{mix.late:.0%} late, {mix.broken:.0%} broken\n\nstarting Spark ...",
            flush=True,
        )
        spark = session.build(settings)
        try:
            if not arguments.verbose:
                spark.sparkContext.setLogLevel("OFF")
            feed = Feed(producer.put, mix, _RATE, arguments.events)
            if not _stream(settings, feed):
                print(f"\nstopped; what is there so far: {folder}")
                return _STOPPED
            with explained():
                agrees = _report(spark, settings, feed.tally)
        finally:
            spark.stop()
    _print_next_steps(config_file)
    return 0 if agrees else 1


def _settings(arguments: argparse.Namespace, folder: Path, url: str) -> Settings:
    """The user may change how it works, but not where: the demo never leaves this machine."""
    place = [
        f"source.stream={_STREAM}",
        "source.region=us-east-1",
        f"source.endpoint_url={url}",
        "source.start=TRIM_HORIZON",
        *demo_folder.lake_settings(folder),
    ]
    return config.load(arguments.config, [*arguments.overrides, *place], defaults=_DEFAULTS)


def _stream(settings: Settings, feed: Feed) -> bool:
    """Run both queries while the stream is fed, until every record has an outcome.

    False when a signal ended it before.
    """
    progress = Progress(feed.tally)
    run = Run(settings, once=False, on_batch=progress.add)
    with ThreadPoolExecutor(1, "demo-feed") as executor, _ended_by_signal(run, feed) as signals:
        fed = executor.submit(feed.run, lambda: None)
        watch = Watch(progress, StatusLine(), is_fed=fed.done, end=run.stop)
        watch.start()
        try:
            run.start((ingest.NAME, process.NAME))
        finally:
            feed.stop()
            watch.stop()
        fed.result()
    return not signals


def _report(spark: SparkSession, settings: Settings, tally: Tally) -> bool:
    """Print what the tables hold. True where it is what was put."""
    lake = tables(settings.lake, settings.fields)
    proof = audit.prove(spark, lake)
    found = counts(tally, proof, late_events(lake.events.read(spark)))
    print(f"\n  {'':44}{'put':>12}{'in the lake':>12}")
    for each in found:
        print(each)
    print(
        f"\n  {proof.raw:,} records = {proof.stored:,} stored + {proof.twins:,} twins + "
        f"{proof.quarantined:,} quarantined\n  audit of the tables alone: "
        + ("nothing lost, nothing twice" if proof.is_clean else "NOT clean")
    )
    if not proof.is_clean:
        print("\n".join(proof.lines()))
    print("\nA query reads only its partitions:\n")
    for line in sample_query(spark, lake.events):
        print(line)
    print("\nThe tables (Delta):\n")
    for table in (lake.raw, lake.events, lake.quarantine):
        print(f"  {table.path}")
    return proof.is_clean and all(each.agrees for each in found)


def _print_next_steps(config_file: Path) -> None:
    launcher, its_config = _shown(_LAUNCHER), _shown(config_file)
    checkpoint = _shown(config_file.parent / "checkpoints" / process.NAME)
    print(
        f"""
Try next:

  {launcher} audit --config {its_config}
      the proof once more, from the tables alone
  rm -r {checkpoint} && {launcher} process --once --config {its_config}
      lose the checkpoint: all is processed again, and nothing is stored twice
  {launcher} stream --config {_shown(_LAUNCHER.parent / "conf" / "minimal.toml")}
      your own stream, when you have put its name there"""
    )


def _shown(path: Path) -> str:
    """As a user would type it from here."""
    near = os.path.relpath(path)
    text = str(path) if near.startswith("..") else near
    return shlex.quote(f"./{text}" if path == _LAUNCHER and "/" not in text else text)


@contextmanager
def _ended_by_signal(run: Run, feed: Feed) -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM ends the run behind its batches, the second at once.

    Gives the signals that came. Must be entered after Spark has started: it sets a handler of
    its own, which would cut the batch.
    """
    signals: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if signals:
            raise KeyboardInterrupt
        signals.append(number)
        feed.stop()
        run.stop()

    with handled_by(handle, signal.SIGINT, signal.SIGTERM):
        yield signals
