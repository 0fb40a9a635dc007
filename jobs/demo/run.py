"""The whole way on this machine, from a Kinesis stream to a query, with the proof."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from pyspark.sql import SparkSession

from jobs.audit import verify_tables
from jobs.config import Query, Settings
from jobs.demo.local_kinesis import local_kinesis, use_demo_credentials
from jobs.demo.progress import Progress, Watch
from jobs.demo.report import compared, late_events, next_steps, report_lines, sample_query
from jobs.demo.workspace import clear_workspace, lake_in, write_settings
from jobs.generator import Feed, Mix, Producer, Tally
from jobs.lake import tables_of
from jobs.reporting import StatusLine
from jobs.runtime import build_session, handled_by, interrupt
from jobs.streaming import Run

_STREAM = "demo"
_SHARDS = 4
# What Kinesis accepts: 1,000 records per second and shard.
_RATE = 1000 * _SHARDS
_STOPPED = 130


def run_demo(settings: Settings, folder: Path, mix: Mix, events: int, *, quiet: bool) -> int:
    """Run the demo, and print what it does.

    Args:
        settings: how the pipeline works. The stream and the lake are the demo's own, so that it
            never leaves this machine.
        folder: the folder of the lake.
        mix: what the records are made of.
        events: the number of records.
        quiet: print none of Spark's log.

    Returns:
        0 if all numbers agree, 1 if not, 130 if a signal ended it.

    Raises:
        SetupError: moto is not installed, or does not start.
        LakeError: the folder cannot be used.
    """
    use_demo_credentials()
    with handled_by(interrupt, signal.SIGTERM), local_kinesis() as url:
        settings = _on_this_machine(settings, folder, url)
        clear_workspace(folder)
        config_file = write_settings(folder, settings)
        producer = Producer(settings.source)
        producer.create_stream(_SHARDS)
        print(
            f"\nThe whole way: a Kinesis stream of {_SHARDS} shards -> raw -> events, each once"
            f"\n\n  stream   '{_STREAM}', moto on {url}\n  lake     {folder}"
            f"\n  records  {events:,} of {mix.names:,} names: {mix.duplicates:.0%} duplicates, "
            f"{mix.late:.0%} late, {mix.broken:.0%} broken\n\nstarting Spark ...",
            flush=True,
        )
        spark = build_session(settings)
        try:
            if quiet:
                spark.sparkContext.setLogLevel("OFF")
            feed = Feed(producer.put, mix, _RATE, events)
            if not _stream(settings, feed):
                print(f"\nstopped; the lake so far: {folder}")
                return _STOPPED
            agrees = _report(spark, settings, feed.tally)
        finally:
            spark.stop()
    print("\n".join(next_steps(config_file)))
    return 0 if agrees else 1


def _on_this_machine(settings: Settings, folder: Path, url: str) -> Settings:
    source = replace(
        settings.source,
        stream=_STREAM,
        region="us-east-1",
        endpoint_url=url,
        start="TRIM_HORIZON",
    )
    return replace(settings, source=source, lake=lake_in(folder))


def _stream(settings: Settings, feed: Feed) -> bool:
    """Run both queries while the stream is fed, until every record is accounted for.

    Returns False if a signal ended it.
    """
    progress = Progress(feed.tally)
    run = Run(settings, available_now=False, on_batch=progress.add)
    with ThreadPoolExecutor(1, "demo-feed") as executor, _ended_by_signal(run, feed) as signals:
        fed = executor.submit(feed.run, lambda: None)
        watch = Watch(progress, StatusLine(), is_fed=fed.done, end=run.stop)
        watch.start()
        try:
            run.start((Query.INGEST, Query.PROCESS))
        finally:
            feed.stop()
            watch.stop()
        fed.result()
    return not signals


def _report(spark: SparkSession, settings: Settings, tally: Tally) -> bool:
    """Print what the tables contain. Return True if that is what was put."""
    tables = tables_of(settings.lake, settings.fields)
    proof = verify_tables(spark, tables, fields=settings.fields)
    counts = compared(tally, proof, late_events(tables.events.read(spark)))
    query = sample_query(spark, tables.events)
    for line in report_lines(counts, proof, query, tables):
        print(line)
    return proof.is_clean and all(count.agrees for count in counts)


@contextmanager
def _ended_by_signal(run: Run, feed: Feed) -> Iterator[list[int]]:
    """The first Ctrl-C or SIGTERM ends the run after its batches, the second at once.

    Yields the signals that were received. Enter it after Spark has started, because Spark sets a
    handler of its own, which would interrupt the batch.
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
