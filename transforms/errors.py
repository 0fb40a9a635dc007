"""The errors of transforms, and the check of the columns of a frame.

TransformError
├── MissingColumnsError    a frame lacks columns that a transform reads
└── InvalidSettingError    a setting of a transform is invalid
"""

from pyspark.sql import DataFrame


class TransformError(Exception):
    """Base of all errors of transforms: a setting or a frame is invalid."""


class MissingColumnsError(TransformError):
    """A frame lacks columns that a transform reads."""

    def __init__(self, owner: str, missing: list[str], present: list[str]) -> None:
        self.missing = missing
        super().__init__(f"{owner} needs column(s) {missing}, but the frame has only {present}")


class InvalidSettingError(TransformError):
    """A setting of a transform is invalid."""

    def __init__(self, owner: str, expected: str, found: object) -> None:
        super().__init__(f"{owner}: expected {expected}, got {found!r}")


def require(frame: DataFrame, *columns: str, owner: str) -> None:
    """Raise MissingColumnsError unless `frame` has all `columns`. Runs no Spark job."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise MissingColumnsError(owner, missing, frame.columns)
