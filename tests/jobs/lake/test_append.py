"""A commit is identified, so it happens once."""

from pathlib import Path

from pyspark.sql import SparkSession

from jobs.lake.append import Transaction, append
from jobs.lake.tables import Table


def test_an_append_that_is_repeated_is_skipped(spark: SparkSession, tmp_path: Path) -> None:
    """Delta has seen its application and version, or a later version."""
    table = Table(f"{tmp_path}/table", "number bigint", (), ("number",))
    table.create(spark)
    for version, number in ((1, 10), (1, 11), (0, 12), (2, 13)):
        rows = spark.createDataFrame([(number,)], "number bigint")
        append(rows, table, Transaction("app", version))
    assert sorted(row[0] for row in table.read(spark).collect()) == [10, 13]


def test_the_options_of_a_commit_have_a_note() -> None:
    """Without a note of its own, a commit is described by its application and version."""
    assert Transaction("app", 3).options() == {
        "txnAppId": "app",
        "txnVersion": "3",
        "userMetadata": "app batch 3",
    }
    assert Transaction("app", 3, "why").options()["userMetadata"] == "why"
