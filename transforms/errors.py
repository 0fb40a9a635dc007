"""What a transform may demand of the frame that it gets.

ContractError
├── MissingColumnsError    a frame lacks columns that a transform reads
└── InvalidSettingError    a transform was made with a setting that cannot work
"""

from pyspark.sql import DataFrame


class ContractError(Exception):
    """A transform was given something that it cannot work with."""


class MissingColumnsError(ContractError):
    """A frame lacks columns that a transform reads."""

    def __init__(self, owner: str, missing: list[str], present: list[str]) -> None:
        self.missing = missing
        super().__init__(f"{owner} needs column(s) {missing}, but the frame has only {present}")


class InvalidSettingError(ContractError):
    """A transform was made with a setting that cannot work."""

    def __init__(self, owner: str, wanted: str, found: object) -> None:
        super().__init__(f"{owner} needs {wanted}, but was given {found!r}")


def require(frame: DataFrame, *columns: str, owner: str) -> None:
    """Raise MissingColumnsError unless `frame` has all `columns`. Looks at the schema only."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise MissingColumnsError(owner, missing, frame.columns)
