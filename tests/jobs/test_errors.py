"""Each class of errors has an exit code of its own, which scripts rely on."""

import re

from jobs import errors
from jobs.errors import EventLakeError, LakeError, SourceError


def subclasses(kind: type[EventLakeError]) -> list[type[EventLakeError]]:
    """`kind` and all classes below it."""
    return [kind, *(each for child in kind.__subclasses__() for each in subclasses(child))]


def test_exit_codes_are_different_and_documented() -> None:
    """The tree in the docstring has each class with its code. argparse uses 2, too."""
    codes = {each.__name__: each.exit_code for each in subclasses(EventLakeError)}
    assert len(set(codes.values())) == len(codes)
    assert codes == {
        "EventLakeError": 10,
        "ConfigError": 2,
        "SetupError": 3,
        "SourceError": 4,
        "DataLossError": 5,
        "LakeError": 6,
        "CheckpointError": 7,
        "FencedError": 8,
        "ClockError": 9,
        "IntegrityError": 1,
    }
    listed = re.findall(r"(\w+Error) +(\d+) ", errors.__doc__ or "")
    del codes["EventLakeError"]
    assert {name: int(code) for name, code in listed} == codes


def test_a_caller_can_handle_the_errors_of_a_lake_or_of_a_stream_together() -> None:
    """Checkpoints, fences and clocks belong to the lake, lost records to the stream."""
    lake = {each.__name__ for each in subclasses(LakeError)}
    assert lake == {"LakeError", "CheckpointError", "FencedError", "ClockError"}
    assert {each.__name__ for each in subclasses(SourceError)} == {"SourceError", "DataLossError"}
