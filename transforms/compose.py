"""Compose transforms."""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import DataFrame

Transform = Callable[[DataFrame], DataFrame]


def compose(*steps: Transform) -> Transform:
    """Return one transform that applies `steps` in this order."""

    def apply(frame: DataFrame) -> DataFrame:
        return reduce(lambda rows, step: step(rows), steps, frame)

    return apply
