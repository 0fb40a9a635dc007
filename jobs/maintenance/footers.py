"""Find the data files of a table whose times are stored as INT96, by their Parquet footers."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.lake import DataFile

# Each footer costs one or two requests to the storage.
_THREADS = 16
_HAS_INT96 = re.compile(r"^\s*(?:optional|required|repeated) int96 ", re.MULTILINE)


def files_with_int96(spark: SparkSession, files: Sequence[DataFile]) -> list[DataFile]:
    """Those of `files` that have an INT96 column.

    A file that does not exist any more is left out: another job has rewritten it, and VACUUM has
    deleted it.
    """
    jvm: Any = spark._jvm
    configuration = spark._jsparkSession.sessionState().newHadoopConf()

    def has_int96(file: DataFile) -> bool:
        try:
            path = jvm.org.apache.hadoop.fs.Path(file.path)
            source = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(
                path, configuration
            )
            reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(source)
        except Py4JJavaError as error:
            if error.java_exception.getClass().getSimpleName() == "FileNotFoundException":
                return False
            raise
        try:
            schema = str(reader.getFooter().getFileMetaData().getSchema().toString())
        finally:
            reader.close()
        return _HAS_INT96.search(schema) is not None

    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(has_int96, files)
        return [file for file, is_found in zip(files, found, strict=True) if is_found]
