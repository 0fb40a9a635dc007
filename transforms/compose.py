"""Put transforms in a row."""

from collections.abc import Callable
from functools import reduce

from pyspark.sql import DataFrame

Transform = Callable[[DataFrame], DataFrame]


def compose(*steps: Transform) -> Transform:
    """One transform that applies `steps` from the first to the last."""

    def apply(frame: DataFrame) -> DataFrame:
        return reduce(lambda rows, step: step(rows), steps, frame)

    return apply
