"""HDFS and YARN on loopback: Hadoop's own mini clusters, in one JVM that Python drives.

One name node, one data node, one resource manager and one node manager. Containers are real
processes of this machine.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaGateway

from tests.support.java import jvm, resolved_jars
from tests.support.waiting import wait_until

HADOOP = "3.4.2"
JARS = (
    f"org.apache.hadoop:hadoop-client-minicluster:{HADOOP}",
    f"org.apache.hadoop:hadoop-client-runtime:{HADOOP}",
    f"org.apache.hadoop:hadoop-client-api:{HADOOP}",
    "javax.xml.bind:jaxb-api:2.3.1",
    "org.bouncycastle:bcpkix-jdk18on:1.78.1",
    "org.slf4j:slf4j-reload4j:1.7.36",
)
JVM_OPTIONS = (
    "-Xmx768m",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
)
MEMORY_MB = 8192
SETTINGS = {
    "dfs.replication": "1",
    "dfs.namenode.http-address": "127.0.0.1:0",
    "yarn.nodemanager.hostname": "127.0.0.1",
    "yarn.nodemanager.resource.memory-mb": f"{MEMORY_MB}",
    "yarn.minicluster.yarn.nodemanager.resource.memory-mb": f"{MEMORY_MB}",
    "yarn.nodemanager.resource.cpu-vcores": "8",
    "yarn.nodemanager.vmem-check-enabled": "false",
    "yarn.nodemanager.delete.debug-delay-sec": "3600",  # the logs stay
    "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
    "yarn.nodemanager.env-whitelist": "JAVA_HOME,HADOOP_CONF_DIR,PATH,LANG",
    "yarn.scheduler.minimum-allocation-mb": "128",
    "yarn.scheduler.maximum-allocation-mb": f"{MEMORY_MB}",
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": "100",
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
    "yarn.scheduler.capacity.root.default.maximum-am-resource-percent": "1.0",
    "yarn.resourcemanager.am.max-attempts": "2",
}
ENDED = ("FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class Application:
    """What YARN reports of an application."""

    id: str
    name: str
    state: str
    final_status: str
    attempts: int


class YarnCluster:
    """A running cluster. `conf` is the folder for HADOOP_CONF_DIR."""

    def __init__(self, client: Any, home: Path, filesystem: str) -> None:
        self._client = client
        self._home = home
        self.conf = home / "conf"
        self.filesystem = filesystem

    def applications(self) -> list[Application]:
        """All applications, the oldest first."""
        reports = sorted(self._client.getApplications(), key=lambda one: one.getStartTime())
        return [
            Application(
                id=report.getApplicationId().toString(),
                name=report.getName(),
                state=report.getYarnApplicationState().toString(),
                final_status=report.getFinalApplicationStatus().toString(),
                attempts=len(self._client.getApplicationAttempts(report.getApplicationId())),
            )
            for report in reports
        ]

    def application(self, id_: str) -> Application:
        """One application."""
        (found,) = (one for one in self.applications() if one.id == id_)
        return found

    def wait_for_end(self, id_: str, seconds: float = 300) -> Application:
        """Wait until the application has ended."""
        wait_until(
            lambda: self.application(id_).state in ENDED, what=f"the end of {id_}", seconds=seconds
        )
        return self.application(id_)

    def kill(self, id_: str) -> None:
        """Do what `yarn application -kill` does."""
        for report in self._client.getApplications():
            if report.getApplicationId().toString() == id_:
                self._client.killApplication(report.getApplicationId())

    def log(self, id_: str, file: str) -> str:
        """`stdout` or `stderr` of the application's masters, one attempt after the other."""
        return "".join(
            path.read_text(errors="replace")
            for path in sorted(self._home.glob(f"test/**/*logDir*/{id_}/container_*_000001/{file}"))
        )

    def master_pids(self, id_: str) -> list[int]:
        """The Java processes that are the application's master: the driver, in cluster mode."""
        pids = []
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = cmdline.read_bytes().decode(errors="replace").split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            is_master = any(word.startswith("org.apache.spark.deploy.yarn.") for word in words)
            if is_master and Path(words[0]).name == "java" and any(id_ in word for word in words):
                pids.append(int(cmdline.parent.name))
        return pids

    def signal_master(self, id_: str, number: signal.Signals) -> None:
        """Send a signal to the application's master."""
        (pid,) = self.master_pids(id_)
        os.kill(pid, number)


@contextmanager
def yarn_cluster(home: Path) -> Iterator[YarnCluster]:
    """Run HDFS and YARN in `home` while the block runs. The first call resolves their JARs."""
    jars = resolved_jars("yarn", JARS, excludes=("org.apache.logging.log4j:*",))
    options = [*JVM_OPTIONS, f"-Dtest.build.data={home}/test", f"-Dtest.build.dir={home}/test"]
    with jvm([f"{jars}/*"], options, log=home / "cluster.log") as gateway:
        hdfs, yarn, configuration = _start(gateway, home)
        try:
            _write_configuration(gateway, home / "conf", configuration)
            client = gateway.jvm.org.apache.hadoop.yarn.client.api.YarnClient.createYarnClient()
            client.init(configuration)
            client.start()
            yield YarnCluster(client, home, configuration.get("fs.defaultFS"))
        finally:
            yarn.stop()
            hdfs.shutdown()
    _kill_containers(home)


def _start(gateway: JavaGateway, home: Path) -> tuple[Any, Any, Any]:
    hadoop = gateway.jvm.org.apache.hadoop
    configuration = hadoop.yarn.conf.YarnConfiguration()
    for key, value in {
        **SETTINGS,
        "hadoop.tmp.dir": f"{home}/tmp",
        "hdfs.minidfs.basedir": f"{home}/dfs",
    }.items():
        configuration.set(key, value)
    hdfs = hadoop.hdfs.MiniDFSCluster.Builder(configuration).numDataNodes(1).build()
    hdfs.waitActive()
    configuration.set("fs.defaultFS", hdfs.getURI().toString())
    yarn = hadoop.yarn.server.MiniYARNCluster("mini", 1, 1, 1, 1)
    yarn.init(configuration)
    yarn.start()
    if not yarn.waitForNodeManagersToConnect(60_000):
        raise AssertionError("the node manager did not connect")
    running = hadoop.conf.Configuration(yarn.getConfig())
    running.set("fs.defaultFS", hdfs.getURI().toString())
    running.set("yarn.application.classpath", "")
    # The mini cluster's own class for racks is not on Spark's class path.
    mapping = "org.apache.hadoop.net.ScriptBasedMapping"
    running.set("net.topology.node.switch.mapping.impl", mapping)
    return hdfs, yarn, running


def _write_configuration(gateway: JavaGateway, folder: Path, configuration: Any) -> None:
    folder.mkdir()
    for name in ("core-site.xml", "yarn-site.xml"):
        stream = gateway.jvm.java.io.FileOutputStream(str(folder / name))
        configuration.writeXml(stream)
        stream.close()


def _kill_containers(home: Path) -> None:
    """End what still runs in containers: the node manager may leave it behind."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if f"{home}/".encode() in process.read_bytes():
                os.kill(int(process.parent.name), signal.SIGKILL)
