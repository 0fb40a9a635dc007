"""`process` dies at each point of a batch up to events, and the tables are exact afterwards."""

from collections.abc import Callable

from pyspark.sql import SparkSession

from tests.support.faulty_lake import FaultyLake
from tests.support.kill_points import POINTS_OF_PROCESS, assert_exact_after_deaths
from tests.support.servers import Server


def test_the_lake_is_exact_after_a_death_at_every_point_up_to_events_in_turn(
    spark: SparkSession, server: Server, tried: Callable[[str, int], None]
) -> None:
    lake = FaultyLake(spark, server, "process", stream="process")
    assert_exact_after_deaths(lake, POINTS_OF_PROCESS, tried)
