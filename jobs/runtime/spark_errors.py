"""Turn what Spark, Hadoop and AWS say into one line that a user can act on."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException

from jobs import errors
from jobs.errors import EventLakeError, LakeError
from jobs.runtime import session

# An error of ours that was raised in a Python worker comes back as text inside of Spark's.
_OURS = re.compile(r"jobs\.errors\.(\w+): (.+)")
# So does any other that was raised where Spark calls Python: its last line says what it was.
_PYTHONS = re.compile(r"Traceback \(most recent call last\):\n(?:[ ].*\n)+(\S.*)$", re.MULTILINE)
# What Java said stands behind what Python had called.
_JAVAS = re.compile(r"An error occurred while calling [^\n]*\n: (\S.*)")
_PROCESS_ANEW = (
    "move the folder `process` below lake.checkpoints away, and a new generation begins (nothing "
    "is lost or stored twice by that)"
)
_DIED = (
    "Spark's Java process has ended: it was killed, perhaps for want of memory (see the system's "
    "log; spark.driver.memory is what it may take); start again, and what it was doing is done anew"
)
_KNOWN = (
    (
        re.compile(r"NoSuchBucket|The specified bucket does not exist|UnknownStoreException"),
        "a bucket of the lake does not exist: make it, or correct lake.raw, lake.processed or "
        "lake.checkpoints",
    ),
    (
        re.compile(r"AccessDenied|Access Denied|AccessControlException|Permission denied"),
        "the lake refuses access: this role needs to list, read, write and delete below lake.raw, "
        "lake.processed and lake.checkpoints",
    ),
    (
        re.compile(r"No AWS Credentials|Unable to load credentials|NoAwsCredentialsException"),
        "no AWS credentials for the lake: use an instance role, or set AWS_PROFILE or "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        re.compile(
            r"ConcurrentTransactionException|concurrently using the same checkpoint"
            r"|CONCURRENT_STREAM_LOG_UPDATE|Multiple streaming queries are concurrently"
        ),
        "another run works on the same checkpoint: only one driver at a time may write a lake; "
        "stop the other one, or this one was it and has been replaced",
    ),
    (
        re.compile(r"Checkpoint block \S+ not found"),
        "an executor was lost with rows of the batch that it was writing: start again, and the "
        "batch is replayed",
    ),
    (
        re.compile(r"STATE_STORE_\w*SCHEMA\w*|STATE_STORE_\w*NOT_COMPATIBLE"),
        "the state of the checkpoint is that of another version of this program: " + _PROCESS_ANEW,
    ),
    (
        re.compile(r"CANNOT_LOAD_STATE_STORE|FAILED_TO_READ_\w*STATE|STATE_STORE_\w+"),
        "the state of the checkpoint is damaged: " + _PROCESS_ANEW,
    ),
    (
        re.compile(r"DIFFERENT_DELTA_TABLE_READ_BY_STREAMING_SOURCE|Invalid Delta source offset"),
        "the checkpoint was made for another raw table: correct lake.checkpoints, or "
        + _PROCESS_ANEW,
    ),
    (
        re.compile(
            r"DELTA_CONCURRENT_(APPEND|DELETE_READ|DELETE_DELETE|WRITE)"
            r"|DELTA_(METADATA|PROTOCOL)_CHANGED"
        ),
        "another job changed the same part of a table at the same moment (compaction, a rebuild, a "
        "new column), so nothing of this commit was written: run it again",
    ),
    (
        re.compile(r"FAILED_READ_FILE\.FILE_NOT_EXIST"),
        "a file was deleted that this run still needs: VACUUM must keep files for longer than a "
        "batch takes, and in raw for longer than `process` lags behind; if a start ends like this "
        "again, " + _PROCESS_ANEW,
    ),
    (
        re.compile(r"UnknownHostException|Connection refused|ConnectException|SdkClientException"),
        "the lake's storage cannot be reached: check lake.s3_endpoint_url and the network",
    ),
)


@contextmanager
def explained() -> Iterator[None]:
    """Raise what Spark raises within as an EventLakeError, with the original as its cause."""
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        if isinstance(error, Py4JNetworkError | ConnectionError) and session.has_died():
            raise EventLakeError(_DIED) from error
        if isinstance(error, ConnectionError):  # none of Spark's
            raise
        raise explain(error) from error


def explain(
    error: BaseException, doing: str = "", otherwise: type[EventLakeError] = EventLakeError
) -> EventLakeError:
    """The error of ours that says what `error` means and what was being done.

    It is of the kind `otherwise` where `error` is none that is known here.
    """
    text = str(error)
    ours = _OURS.findall(text)
    if ours:
        name, message = ours[-1]
        kind = getattr(errors, name, EventLakeError)
        return (
            kind(message.strip()) if issubclass(kind, EventLakeError) else EventLakeError(message)
        )
    for pattern, meaning in _KNOWN:
        found = pattern.search(text)
        if found:
            return LakeError(f"{doing}{meaning} ({_line_around(text, found.start())})")
    said = _JAVAS.search(text) or _PYTHONS.search(text)
    return otherwise(f"{doing}{_line_around(text, said.start(1) if said else 0).lstrip(': ')}")


def _line_around(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    line = text[start:].partition("\n")[0].strip()
    return line if len(line) <= 300 else f"{line[:297]}..."
