"""A name is measured as the folder that it becomes, whatever the pattern of names allows."""

from pathlib import Path

from pyspark.sql import SparkSession

from transforms.validation.folders import folder_bytes, is_folder_name

NAMES = {
    "a": (12, True),
    "payment:order:completed": (38, True),
    "x" * 244: (255, True),
    "x" * 245: (256, False),
    "a" + ":a" * 60: (252, True),
    "a" + ":a" * 61: (256, False),
    "é" * 122: (255, True),
    "é" * 123: (257, False),
    "😀" * 61: (255, True),
    "a b,;<>|~!$&()+-.@`}": (31, True),
    "\"#%'*/:=?\\{[]^\x01\x1f\n\x7f": (11 + 18 * 3, True),
    ":" * 82: (257, False),
    "__HIVE_DEFAULT_PARTITION__": (37, False),
    "a\0b": (14, False),
}


def test_a_name_is_as_long_as_its_folder(spark: SparkSession) -> None:
    """Spark writes `:` and some other characters as three bytes."""
    names = spark.createDataFrame([(name,) for name in NAMES], "event_name string")

    rows = names.select(
        "event_name",
        folder_bytes(names["event_name"]).alias("size"),
        is_folder_name(names["event_name"]).alias("fits"),
    ).collect()

    assert {row[0]: (row[1], row[2]) for row in rows} == NAMES


def test_spark_creates_the_folders_of_these_names_and_of_no_longer_ones(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The count of bytes is that of Spark's own folders, for every character that it escapes."""
    fitting = [name for name, (_, fits) in NAMES.items() if fits and name.isascii()]
    names = spark.createDataFrame([(name, 1) for name in fitting], "event_name string, n int")

    names.write.partitionBy("event_name").parquet(str(tmp_path / "names"))

    folders = {len(each.name.encode()) for each in (tmp_path / "names").iterdir() if each.is_dir()}
    assert folders == {NAMES[name][0] for name in fitting}
