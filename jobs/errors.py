"""Errors that a user can act on: the command line prints their one line and exits.

EventLakeError            exit code
├── ConfigError           2   a setting is unknown, missing or unreadable
├── MachineError          3   Java, a JAR or a package is missing or of the wrong version
├── SourceError           4   the stream: unreachable, missing, forbidden
│   └── DataLossError     5   records left the stream before they were read
├── LakeError             6   a table, a bucket or a checkpoint cannot be read or written
└── BreachError           1   the audit found a record lost, stored twice or invented
"""


class EventLakeError(Exception):
    """Base of all errors of this project that a user can act on."""

    exit_code = 10


class ConfigError(EventLakeError):
    """A setting is unknown, missing or unreadable."""

    exit_code = 2


class MachineError(EventLakeError):
    """Java, a JAR or a package is missing or of the wrong version."""

    exit_code = 3


class SourceError(EventLakeError):
    """The stream is unreachable, missing or forbidden."""

    exit_code = 4


class DataLossError(SourceError):
    """Records left the stream before they were read."""

    exit_code = 5


class LakeError(EventLakeError):
    """A table, a bucket or a checkpoint cannot be read or written."""

    exit_code = 6


class BreachError(EventLakeError):
    """The audit found a record lost, stored twice or invented."""

    exit_code = 1
