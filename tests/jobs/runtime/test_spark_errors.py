"""Errors of Spark, Hadoop and AWS become one line that says what to do."""

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from jobs.errors import (
    CheckpointError,
    ConfigError,
    DataLossError,
    EventLakeError,
    FencedError,
    LakeError,
)
from jobs.runtime import spark_errors
from jobs.runtime.spark_errors import translate_spark_error, translated_spark_errors

MOVE = "move the folder `process` below lake.checkpoints away"
KNOWN: list[tuple[str, type[EventLakeError], str]] = [
    (
        "java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.",
        EventLakeError,
        "Spark was stopped from outside: the application was killed, or lost on the cluster",
    ),
    ("Job 3 cancelled because SparkContext was shut down", EventLakeError, "stopped from outside"),
    ("java.io.IOException: NoSuchBucket", LakeError, "a bucket of the lake does not exist. Create"),
    ("UnknownStoreException: `s3://b/`", LakeError, "a bucket of the lake does not exist. Create"),
    ("AccessDeniedException: s3://b", LakeError, "denies access. The role of this process needs"),
    ("java.io.IOException: Permission denied", LakeError, "denies access. The role of this"),
    ("No AWS Credentials provided", LakeError, "no AWS credentials for the lake. Use an instance"),
    (
        "io.delta.exceptions.ConcurrentTransactionException: x",
        FencedError,
        "another run writes these tables or uses the same checkpoint. Only one driver at a time",
    ),
    (
        "[CONCURRENT_STREAM_LOG_UPDATE] Concurrent update to the log. Multiple streaming jobs",
        FencedError,
        "Stop the other driver before you start this one again",
    ),
    (
        "SparkException: Checkpoint block rdd_4_1 not found!",
        LakeError,
        "an executor was lost, with",
    ),
    (
        "[STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE] Provided key schema",
        CheckpointError,
        f"written by another version of this program. To use this version, {MOVE}",
    ),
    (
        "[STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE] Provided",
        CheckpointError,
        "written by another version of this program",
    ),
    (
        "[CANNOT_LOAD_STATE_STORE.UNCATEGORIZED] An",
        CheckpointError,
        f"is damaged. To continue, {MOVE}",
    ),
    ("[FAILED_TO_READ_DELTA_STATE] Error", CheckpointError, f"is damaged. To continue, {MOVE}"),
    (
        "DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE: x",
        CheckpointError,
        f"made for another raw table. Correct lake.checkpoints, or {MOVE}",
    ),
    ("Invalid Delta source offset", CheckpointError, "made for another raw table"),
    ("[DELTA_CONCURRENT_APPEND] x", LakeError, "nothing of this commit was written. Another job"),
    ("[DELTA_METADATA_CHANGED] x", LakeError, "Run it again"),
    (
        "[FAILED_READ_FILE.FILE_NOT_EXIST] Encountered",
        LakeError,
        "a file was deleted that this run still needs. VACUUM must keep files for longer than",
    ),
    ("java.net.ConnectException: x", LakeError, "storage of the lake cannot be reached. Check"),
]


@pytest.mark.parametrize(("text", "kind", "advice"), KNOWN, ids=[text[:40] for text, *_ in KNOWN])
def test_a_known_error_has_its_class_and_its_advice(
    text: str, kind: type[LakeError], advice: str
) -> None:
    """The line of Spark that it was found in is at the end, for a search or a report."""
    error = translate_spark_error(Py4JError(f"first line\n  {text} and more\nlast line"))
    assert type(error) is kind
    assert advice in str(error)
    assert str(error).endswith(f"({text} and more)")
    assert "\n" not in str(error)


def test_the_context_comes_first() -> None:
    """It says what failed."""
    error = translate_spark_error(Py4JError("NoSuchBucket"), "the table at s3://b/raw: ")
    assert str(error).startswith("the table at s3://b/raw: a bucket of the lake does not exist")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jobs.errors.DataLossError: 5 records are gone", DataLossError("5 records are gone")),
        ("jobs.errors.ConfigError: first\njobs.errors.FencedError: last", FencedError("last")),
        ("jobs.errors.NoSuchError: text", EventLakeError("text")),
    ],
)
def test_an_error_of_ours_that_spark_returns_as_text_is_raised_again(
    text: str, expected: EventLakeError
) -> None:
    """It was raised in a worker or in a sink. The last one is the cause."""
    error = translate_spark_error(PySparkException(f"[PYTHON] Traceback\n{text}\n  at x"))
    assert (type(error), str(error)) == (type(expected), str(expected))


JAVA = """An error occurred while calling o1.start.
: java.lang.IllegalStateException: what Java reports
\tat org.apache.spark.Some.method(Some.scala:1)
"""
PYTHON = """[FOREACH_BATCH_USER_FUNCTION_ERROR] An error occurred. SQLSTATE: 39000
Traceback (most recent call last):
  File "x.py", line 1, in f
    raise RuntimeError("what Python raised")
RuntimeError: what Python raised
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (JAVA, "java.lang.IllegalStateException: what Java reports"),
        (PYTHON, "RuntimeError: what Python raised"),
        ("just\ntext", "just"),
        ("x" * 400, "x" * 297 + "..."),
    ],
    ids=["Java", "Python", "text", "long"],
)
def test_an_unknown_error_is_its_most_telling_line(text: str, line: str) -> None:
    """It has the class that the caller expects."""
    error = translate_spark_error(Py4JError(text), "context: ", otherwise=ConfigError)
    assert (type(error), str(error)) == (ConfigError, f"context: {line}")


def test_errors_in_the_block_are_translated_with_their_cause() -> None:
    """The stack of the original is printed with `--verbose`."""
    original = PySparkException("NoSuchBucket")
    with pytest.raises(LakeError, match="a bucket") as raised, translated_spark_errors():
        raise original
    assert raised.value.__cause__ is original


def test_errors_of_others_are_not_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection is only Spark's if its JVM has died."""
    with pytest.raises(ValueError, match="ours"), translated_spark_errors():
        raise ValueError("ours")
    monkeypatch.setattr(spark_errors, "jvm_has_died", lambda: False)
    with pytest.raises(ConnectionError), translated_spark_errors():
        raise ConnectionError("of a stream")


@pytest.mark.parametrize("error", [ConnectionRefusedError("x"), Py4JNetworkError("x")])
def test_a_jvm_that_has_died_is_reported(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the call to it has raised."""
    monkeypatch.setattr(spark_errors, "jvm_has_died", lambda: True)
    with (
        pytest.raises(EventLakeError, match=r"^Spark's Java process has ended\. .* Start again"),
        translated_spark_errors(),
    ):
        raise error
