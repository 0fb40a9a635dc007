"""The command line: which command, with which settings; errors as one line and an exit code."""

import argparse
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from pyspark.accumulators import AccumulatorServer

from jobs.audit import verify as audit
from jobs.config import loader as config
from jobs.demo import run as demo
from jobs.errors import EventLakeError
from jobs.generator import feed as generate
from jobs.rebuild import run as rebuild
from jobs.replay import run as replay
from jobs.runtime import session
from jobs.runtime.spark_errors import explained
from jobs.streaming import ingest, process
from jobs.streaming.runner import Run

_QUERIES = {
    "stream": (ingest.NAME, process.NAME),
    "ingest": (ingest.NAME,),
    "process": (process.NAME,),
}
_HELP = {
    "stream": "both queries: the stream into raw, raw into events and quarantine",
    "ingest": "the stream into raw, nothing more",
    "process": "raw into events and quarantine",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Answers the exit code: 0, or that of the error in `jobs.errors`."""
    parsed = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if parsed.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    if parsed.verbose:
        # Read by Spark's logging on this machine: conf/spark/log4j2.properties
        os.environ["EVENT_LAKE_SPARK_LOG"] = "stacks"
    else:
        # What we raise where Spark calls us comes back to us; py4j logs its stack before.
        logging.getLogger("py4j.clientserver").setLevel(logging.CRITICAL)
        # It logs on no logger of its own that Java does not answer, and raises that too.
        logging.getLogger().addFilter(lambda record: record.name != "root")
        # Nor is that worth the stack which PySpark's server of accumulators prints in its thread.
        AccumulatorServer.handle_error = lambda *_: None  # type: ignore[method-assign]
    for chatty in ("py4j", "botocore", "boto3", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        with explained():
            return int(parsed.run(parsed))
    except Exception as error:
        if parsed.verbose:
            traceback.print_exception(error)
        told = error if isinstance(error, EventLakeError) else _unforeseen(error)
        print(f"event-lake: {told}", file=sys.stderr)
        return told.exit_code
    except KeyboardInterrupt:
        return 130
    finally:
        session.stop()


def _unforeseen(error: Exception) -> EventLakeError:
    return EventLakeError(f"{type(error).__name__}: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="event-lake",
        description="Kinesis events into a data lake: nothing lost, nothing twice.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, help_text in _HELP.items():
        command = _command(commands, name, help_text)
        command.add_argument(
            "--once", action="store_true", help="take what is there now, then stop"
        )
        command.set_defaults(run=_run_queries, queries=_QUERIES[name])
    for module, name, help_text in (
        (demo, "demo", "everything on this machine: servers, events, the whole way, queries"),
        (generate, "generate", "put synthetic events on a stream"),
        (audit, "audit", "prove from the tables that nothing is lost and nothing is twice"),
        (replay, "replay", "bring quarantined records to the events, after a fix"),
        (rebuild, "rebuild", "partitions of events anew from raw, by the rules of now"),
    ):
        command = _command(commands, name, help_text)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_text, description=help_text)
    command.add_argument("--config", metavar="FILE", help="settings as TOML; see conf/")
    command.add_argument(
        "--set",
        metavar="SECTION.KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="one setting, over the file and the environment",
    )
    command.add_argument(
        "--verbose", action="store_true", help="log more, and show the stack of an error"
    )
    return command


def _run_queries(arguments: argparse.Namespace) -> int:
    settings = config.load(arguments.config, arguments.overrides)
    run = Run(settings, once=arguments.once, stopped_by=(signal.SIGINT, signal.SIGTERM))
    run.start(arguments.queries)
    return 0
