"""What a command consists of."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.config import Settings


@dataclass(frozen=True)
class Command:
    """A subcommand of the program.

    add_arguments: adds the options that only this command has
    run:           runs it with checked settings; returns the exit code
    defaults:      its own defaults of settings, which the configuration file overrides
    """

    name: str
    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[["Settings", Namespace], int]
    defaults: Mapping[str, Any] = field(default_factory=dict)
