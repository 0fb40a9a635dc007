"""The rows of a batch while they are written."""

from uuid import uuid4

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.dataframes.caching import materialized, persisted
from jobs.errors import LakeError
from jobs.runtime import translated_spark_errors


def test_materialized_rows_that_are_lost_are_not_computed_again(spark: SparkSession) -> None:
    """They could differ the second time. The batch fails instead, and the rows are released."""
    assert spark.sparkContext._jsc is not None
    context = spark.sparkContext._jsc.sc()
    draw = F.udf(lambda number: uuid4().hex, useArrow=False).asNondeterministic()
    with materialized(spark.range(4).select(draw("id"))) as rows:
        first = rows.collect()
        assert rows.collect() == first
        number = rows._jdf.queryExecution().logical().rdd().id()
        context.env().blockManager().master().removeRdd(number, True)
        with pytest.raises(LakeError, match="an executor was lost"), translated_spark_errors():
            rows.collect()
    assert not context.persistentRdds().contains(number)


def test_persisted_rows_are_cached_while_the_block_runs(spark: SparkSession) -> None:
    """They are computed once, and released at the end."""
    draw = F.udf(lambda number: uuid4().hex, useArrow=False).asNondeterministic()
    rows = spark.range(4).select(draw("id"))
    with persisted(rows) as cached:
        assert cached.collect() == cached.collect()
        assert cached.is_cached
    assert not rows.is_cached
