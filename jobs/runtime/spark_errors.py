"""Translate the errors of Spark, Hadoop and AWS into one line that a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from jobs import errors
from jobs.errors import CheckpointError, EventLakeError, FencedError, LakeError
from jobs.runtime.session import jvm_has_died

# An error of ours that a Python worker raised: Spark returns it as text.
_OURS = re.compile(r"jobs\.errors\.(\w+): (.+)")
# Any other error that was raised in Python, called by Spark: the last line of the traceback.
_PYTHON = re.compile(r"Traceback \(most recent call last\):\n(?:[ ].*\n)+(\S.*)$", re.MULTILINE)
# An error that Java raised: the text after the name of the method that Python called.
_JAVA = re.compile(r"An error occurred while calling [^\n]*\n: (\S.*)")
_MOVE_PROCESS_AWAY = (
    "move the folder `process` below lake.checkpoints away; the next run begins a new generation, "
    "and nothing is lost or stored twice"
)
_JVM_DIED = (
    "Spark's Java process has ended. The system may have killed it for lack of memory: see the log "
    "of the system, and spark.driver.memory. Start again; the current batch is replayed"
)
_KNOWN: tuple[tuple[re.Pattern[str], type[EventLakeError], str], ...] = (
    (
        re.compile(
            r"stopped SparkContext|SparkContext (was|has been) shut ?down|RpcEnv already stopped"
            r"|Yarn application has already (exited|ended)"
        ),
        EventLakeError,
        "Spark was stopped from outside: the application was killed, or lost on the cluster. Start "
        "again; the current batch is replayed",
    ),
    (
        re.compile(r"NoSuchBucket|The specified bucket does not exist|UnknownStoreException"),
        LakeError,
        "a bucket of the lake does not exist. Create it, or correct lake.raw, lake.processed or "
        "lake.checkpoints",
    ),
    (
        re.compile(r"AccessDenied|Access Denied|AccessControlException|Permission denied"),
        LakeError,
        "the storage of the lake denies access. The role of this process needs permission to list, "
        "read, write and delete below lake.raw, lake.processed and lake.checkpoints",
    ),
    (
        re.compile(r"No AWS Credentials|Unable to load credentials|NoAwsCredentialsException"),
        LakeError,
        "there are no AWS credentials for the lake. Use an instance role, or set AWS_ACCESS_KEY_ID "
        "and AWS_SECRET_ACCESS_KEY",
    ),
    (
        re.compile(
            r"ConcurrentTransactionException|concurrently using the same checkpoint"
            r"|CONCURRENT_STREAM_LOG_UPDATE|Multiple streaming queries are concurrently"
        ),
        FencedError,
        "another run writes these tables or uses the same checkpoint. Only one driver at a time "
        "may write a lake. Stop the other driver before you start this one again",
    ),
    (
        re.compile(r"Checkpoint block \S+ not found"),
        LakeError,
        "an executor was lost, with rows of the batch that it was writing. Start again; the batch "
        "is replayed",
    ),
    (
        re.compile(r"STATE_STORE_\w*SCHEMA\w*|STATE_STORE_\w*NOT_COMPATIBLE"),
        CheckpointError,
        "the state of the checkpoint was written by another version of this program. To use this "
        "version, " + _MOVE_PROCESS_AWAY,
    ),
    (
        re.compile(r"CANNOT_LOAD_STATE_STORE|FAILED_TO_READ_\w*STATE|STATE_STORE_\w+"),
        CheckpointError,
        "the state of the checkpoint is damaged. To continue, " + _MOVE_PROCESS_AWAY,
    ),
    (
        re.compile(r"DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE|Invalid Delta source offset"),
        CheckpointError,
        "the checkpoint was made for another raw table. Correct lake.checkpoints, or "
        + _MOVE_PROCESS_AWAY,
    ),
    (
        re.compile(
            r"DELTA_CONCURRENT_(APPEND|DELETE_READ|DELETE_DELETE|WRITE)"
            r"|DELTA_(METADATA|PROTOCOL)_CHANGED"
        ),
        LakeError,
        "nothing of this commit was written. Another job (a compaction, a rebuild, a new column) "
        "changed the same part of the table at the same time. Run it again",
    ),
    (
        re.compile(r"FAILED_READ_FILE\.FILE_NOT_EXIST"),
        LakeError,
        "a file was deleted that this run still needs. VACUUM must keep files for longer than a "
        "batch takes, and files of raw for longer than `process` is behind. Start again; if the "
        "error returns, " + _MOVE_PROCESS_AWAY,
    ),
    (
        re.compile(r"UnknownHostException|Connection refused|ConnectException|SdkClientException"),
        LakeError,
        "the storage of the lake cannot be reached. Check lake.s3_endpoint_url and the network",
    ),
)


@contextmanager
def translated_spark_errors() -> Iterator[None]:
    """Raise an EventLakeError for each error of Spark in the block, with the original as cause."""
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        if isinstance(error, Py4JNetworkError | ConnectionError) and jvm_has_died():
            raise EventLakeError(_JVM_DIED) from error
        if isinstance(error, ConnectionError):  # Spark did not raise it
            raise
        raise translate_spark_error(error) from error


def translate_spark_error(
    error: BaseException, context: str = "", otherwise: type[EventLakeError] = EventLakeError
) -> EventLakeError:
    """The error of ours for `error`: what happened, what to do, and the line that reports it.

    Args:
        context: text to begin with, for example `"the table at /lake cannot be created: "`.
        otherwise: the class of the result if `error` is unknown here.
    """
    text = str(error)
    ours = _OURS.findall(text)
    if ours:
        name, message = ours[-1]
        kind = getattr(errors, name, EventLakeError)
        return (
            kind(message.strip()) if issubclass(kind, EventLakeError) else EventLakeError(message)
        )
    for pattern, known, advice in _KNOWN:
        match = pattern.search(text)
        if match:
            return known(f"{context}{advice} ({_line_around(text, match.start())})")
    origin = _JAVA.search(text) or _PYTHON.search(text)
    line = _line_around(text, origin.start(1) if origin else 0)
    return otherwise(f"{context}{line.lstrip(': ')}")


def _line_around(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0].strip()
    return line if len(line) <= 300 else f"{line[:297]}..."
