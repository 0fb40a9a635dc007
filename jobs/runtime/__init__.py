"""The Spark session, its errors in our words, small files through Hadoop, and signals."""

from jobs.runtime.filesystem import HadoopDirectory
from jobs.runtime.session import EXACT_TIMES, build_session, session_options, stop_session
from jobs.runtime.signals import handled_by, interrupt
from jobs.runtime.spark_errors import translate_spark_error, translated_spark_errors

__all__ = [
    "EXACT_TIMES",
    "HadoopDirectory",
    "build_session",
    "handled_by",
    "interrupt",
    "session_options",
    "stop_session",
    "translate_spark_error",
    "translated_spark_errors",
]
