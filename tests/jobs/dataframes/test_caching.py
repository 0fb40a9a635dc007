"""The rows of a batch while they are written."""

from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.dataframes.caching import kept
from jobs.errors import LakeError
from jobs.runtime.spark_errors import explained


def test_rows_that_are_lost_are_not_computed_anew(spark: SparkSession) -> None:
    """They might come out otherwise: the batch ends, says why, and keeps nothing."""
    context = spark.sparkContext._jsc.sc()  # type: ignore[union-attr]
    draw = F.udf(lambda number: uuid4().hex, useArrow=False).asNondeterministic()
    with kept(spark.range(4).select(draw("id"))) as rows:
        first = rows.collect()
        assert rows.collect() == first
        number = rows._jdf.queryExecution().logical().rdd().id()
        context.env().blockManager().master().removeRdd(number, True)
        with pytest.raises(LakeError, match="an executor was lost"), explained():
            rows.collect()
    assert not context.persistentRdds().contains(number)
