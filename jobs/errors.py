"""Errors that a user can act on: the command line prints one line and exits with the code.

EventLakeError              exit code
├── ConfigError             2   a setting or an option is unknown, missing or invalid
├── SetupError              3   Java, a JAR or a package is missing or has the wrong version
├── SourceError             4   the stream is unreachable, missing or forbidden
│   └── DataLossError       5   records left the stream before they were read
├── LakeError               6   a table or a bucket cannot be read or written
│   ├── CheckpointError     7   a checkpoint is damaged, or does not belong to the tables
│   ├── FencedError         8   a newer run writes these tables; this run must not go on
│   └── ClockError          9   the driver's clock went back by `once.window` or more
└── IntegrityError          1   a record is lost, stored twice or invented
"""


class EventLakeError(Exception):
    """Base of all errors of this project that a user can act on."""

    exit_code = 10


class ConfigError(EventLakeError):
    """A setting or an option is unknown, missing or invalid."""

    exit_code = 2


class SetupError(EventLakeError):
    """Java, a JAR or a package is missing or has the wrong version."""

    exit_code = 3


class SourceError(EventLakeError):
    """The stream is unreachable, missing or forbidden."""

    exit_code = 4


class DataLossError(SourceError):
    """Records left the stream before they were read."""

    exit_code = 5


class LakeError(EventLakeError):
    """A table or a bucket cannot be read or written."""

    exit_code = 6


class CheckpointError(LakeError):
    """A checkpoint is damaged, or does not belong to the tables."""

    exit_code = 7


class FencedError(LakeError):
    """A newer run writes these tables; this run must not go on."""

    exit_code = 8


class ClockError(LakeError):
    """The driver's clock went back by `once.window` or more."""

    exit_code = 9


class IntegrityError(EventLakeError):
    """A record is lost, stored twice or invented."""

    exit_code = 1
