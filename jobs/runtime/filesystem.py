"""Read and write small files through Hadoop: the same on local disk, S3 and HDFS."""

from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from jobs.errors import LakeError


class HadoopDirectory:
    """A directory at a path or URI."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path.rstrip("/")
        self._jvm: Any = spark._jvm
        self._configuration: Any = spark._jsparkSession.sessionState().newHadoopConf()

    def names(self) -> list[str]:
        """The names of the files and directories in it. Empty if the directory does not exist."""
        path = self._path("")
        file_system = self._file_system(path)
        if not file_system.exists(path):
            return []
        return [str(status.getPath().getName()) for status in file_system.listStatus(path)]

    def read(self, name: str) -> str | None:
        """The text of the file `name`, or None if it does not exist."""
        path = self._path(name)
        file_system = self._file_system(path)
        if not file_system.exists(path):
            return None
        stream = file_system.open(path)
        try:
            return str(self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
        finally:
            stream.close()

    def write(self, name: str, text: str) -> None:
        """Create or replace the file `name`.

        Raises:
            LakeError: the file cannot be written.
        """
        path = self._path(name)
        try:
            stream = self._file_system(path).create(path, True)
            try:
                stream.write(bytearray(text.encode()))
            finally:
                stream.close()
        except Py4JJavaError as error:
            raise LakeError(
                f"{path} cannot be written: {error.java_exception.getMessage()}"
            ) from None

    def delete(self, name: str) -> None:
        """Delete the file `name` if it exists."""
        path = self._path(name)
        self._file_system(path).delete(path, False)

    def delete_tree(self, name: str) -> None:
        """Delete the directory `name` with all that it contains, if it exists."""
        path = self._path(name)
        self._file_system(path).delete(path, True)

    def _path(self, name: str) -> Any:
        text = f"{self.path}/{name}" if name else self.path
        return self._jvm.org.apache.hadoop.fs.Path(text)

    def _file_system(self, path: Any) -> Any:
        return path.getFileSystem(self._configuration)
