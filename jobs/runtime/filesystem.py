"""Small files beside the tables, through Hadoop: the same on local disk, S3 and HDFS."""

from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.errors import LakeError


class Folder:
    """A folder by its path or URI."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path.rstrip("/")
        self._jvm: Any = spark._jvm
        self._configuration: Any = spark._jsparkSession.sessionState().newHadoopConf()

    def names(self) -> list[str]:
        """The names of what stands in the folder; none where there is no folder."""
        place = self._place("")
        files = self._files(place)
        if not files.exists(place):
            return []
        return [str(status.getPath().getName()) for status in files.listStatus(place)]

    def read(self, name: str) -> str | None:
        """The text of a file, or None where there is none."""
        place = self._place(name)
        files = self._files(place)
        if not files.exists(place):
            return None
        stream = files.open(place)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def write(self, name: str, text: str) -> None:
        """Make or replace a file.

        Raises:
            LakeError: when the folder cannot be written.
        """
        place = self._place(name)
        try:
            stream = self._files(place).create(place, True)
            try:
                stream.write(bytearray(text.encode()))
            finally:
                stream.close()
        except Py4JJavaError as error:
            raise LakeError(
                f"{place} cannot be written: {error.java_exception.getMessage()}"
            ) from None

    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        place = self._place(name)
        self._files(place).delete(place, False)

    def _place(self, name: str) -> Any:
        text = f"{self.path}/{name}" if name else self.path
        return self._jvm.org.apache.hadoop.fs.Path(text)

    def _files(self, place: Any) -> Any:
        return place.getFileSystem(self._configuration)
