"""`process` dies at each point of a batch after events, and the tables are exact afterwards."""

from collections.abc import Callable

from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.kill_points import POINTS_OF_THE_SINK, cut_off_in_turn
from tests.support.servers import Server


def test_the_lake_is_exact_after_a_death_at_every_point_after_events_in_turn(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    """Each run continues where the run before it died, and dies at the next point. After some of
    them the tables are compacted."""
    lake = FaultyLake(spark, server, "sink", stream="sink")
    cut_off_in_turn(lake, POINTS_OF_THE_SINK, tried)
    lake.stream()
    lake.assert_exact()
    tried("records", lake.records_put)
