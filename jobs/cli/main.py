"""The command line: parse the arguments, load the settings, run one command, print its error.

Nothing heavy is imported before a command runs, so that `COMMAND --help` answers at once.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence

from jobs.cli import audit, demo, generate, maintain, rebuild, replay, stream
from jobs.cli.command import Command
from jobs.cli.options import add_common_options
from jobs.errors import ConfigError, EventLakeError, SetupError

COMMANDS: tuple[Command, ...] = (
    *stream.COMMANDS,
    audit.COMMAND,
    replay.COMMAND,
    rebuild.COMMAND,
    maintain.COMMAND,
    generate.COMMAND,
    demo.COMMAND,
)

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return its exit code, or that of the error (`jobs.errors`)."""
    parsed = parser().parse_args(arguments)
    try:
        return _run(parsed.command, parsed)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        if parsed.verbose:
            traceback.print_exception(error)
        known = _as_known(error)
        print(f"event-lake: {known}", file=sys.stderr)
        return known.exit_code


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    main_parser = argparse.ArgumentParser(
        prog="event-lake",
        description="Stream Kinesis events into a data lake: nothing lost, nothing stored twice.",
    )
    commands = main_parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        own = commands.add_parser(command.name, help=command.help, description=command.help)
        add_common_options(own)
        command.add_arguments(own)
        own.set_defaults(command=command)
    return main_parser


def _run(command: Command, arguments: argparse.Namespace) -> int:
    from jobs.deploy import require_matching_python

    require_matching_python()  # before a package is imported that could not be loaded
    from jobs.cli.logging_setup import set_up_logging
    from jobs.config import load_settings
    from jobs.runtime import stop_session, translated_spark_errors
    from transforms.errors import InvalidSettingError

    set_up_logging(arguments.verbose)
    try:
        with translated_spark_errors():
            settings = load_settings(
                arguments.config, arguments.overrides, defaults=dict(command.defaults)
            )
            return command.run(settings, arguments)
    except InvalidSettingError as error:
        raise ConfigError(str(error)) from error
    finally:
        stop_session()


def _as_known(error: Exception) -> EventLakeError:
    match error:
        case EventLakeError():
            return error
        case ModuleNotFoundError():
            return SetupError(
                f"the Python package {error.name} is missing in {sys.executable}: install "
                "event-lake with its requirements, or start it by ./spark-submit.sh"
            )
        case _:
            return EventLakeError(f"{type(error).__name__}: {error}")
