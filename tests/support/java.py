"""Java libraries for tests: JARs from Maven Central, and a JVM that Python drives with py4j.

No Java source is compiled, so a Java runtime is enough.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from jobs.errors import SetupError
from tests.support.made_once import made_once

REPO = Path(__file__).parents[2]
MAX_SECONDS_TO_RESOLVE = 600
MAX_STOP_SECONDS = 30
MAX_SECONDS_TO_DIE = 60


def resolved_jars(name: str, packages: Sequence[str], excludes: Sequence[str] = ()) -> Path:
    """The folder with the JARs of `packages` (group:artifact:version) and all that they require.

    Spark's resolver fetches them once into `.cache/test-jars`.

    Raises:
        SetupError: a package could not be resolved.
    """
    digest = sha256("\n".join([*packages, *excludes]).encode()).hexdigest()[:12]

    def resolve(aside: Path) -> Path:
        nothing = aside / "nothing.py"
        nothing.touch()
        command = [
            *(str(spark_home() / "bin" / "spark-submit"), "--master", "local[1]"),
            *("--conf", f"spark.jars.ivy={aside}"),
            *("--conf", "spark.jars.ivySettings=conf/spark/ivysettings.xml"),
            *("--packages", ",".join(packages)),
            *(["--exclude-packages", ",".join(excludes)] if excludes else []),
            str(nothing),
        ]
        environment = {**os.environ, "SPARK_HOME": str(spark_home())}
        environment.pop("PYSPARK_SUBMIT_ARGS", None)
        done = subprocess.run(
            command,
            cwd=REPO,
            env=environment,
            capture_output=True,
            text=True,
            timeout=MAX_SECONDS_TO_RESOLVE,
        )
        if done.returncode:
            raise SetupError(f"the JARs of {name} could not be resolved: {done.stderr[-2000:]}")
        return aside / "jars"

    return made_once(REPO / ".cache" / "test-jars" / f"{name}-{digest}", resolve)


@contextmanager
def jvm(
    class_path: Sequence[str], options: Sequence[str] = (), log: Path | None = None
) -> Iterator[JavaGateway]:
    """A JVM that runs as long as the block. What it prints goes to `log`, or nowhere."""
    (py4j,) = (spark_home() / "jars").glob("py4j-*.jar")
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java"
    with open(log or os.devnull, "w") as output:
        port, token, process = launch_gateway(
            jarpath=str(py4j),
            classpath=os.pathsep.join(class_path),
            javaopts=list(options),
            java_path=str(java),
            die_on_exit=True,
            redirect_stdout=output,
            redirect_stderr=output,
            enable_auth=True,
            return_proc=True,
        )
        gateway = JavaGateway(
            gateway_parameters=GatewayParameters(port=port, auth_token=token, auto_convert=True)
        )
        try:
            yield gateway
        finally:
            with suppress(Exception):  # it may have ended already
                gateway.shutdown()  # or py4j looks for the JVM again for each object it forgets
            process.stdin.close()  # it ends when this is closed
            try:
                process.wait(MAX_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(MAX_SECONDS_TO_DIE)


def spark_home() -> Path:
    """The folder of the installed pyspark."""
    pyspark = find_spec("pyspark")
    assert pyspark is not None
    assert pyspark.origin is not None
    return Path(pyspark.origin).parent
