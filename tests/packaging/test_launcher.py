"""How spark-submit.sh divides its arguments between Spark and the command."""

import json
import platform
import sys

import pytest

from tests.packaging.conftest import Checkout


def test_options_before_the_command_go_to_spark_and_the_rest_to_the_command(
    checkout: Checkout,
) -> None:
    started = checkout.started(
        *("--driver-memory", "6g", "--conf", 'spark.my.text=it\'s "mine"', "--name=a b"),
        *("stream", "--config", "my lake.toml", "--once"),
    )

    assert started.arguments == ["stream", "--config", "my lake.toml", "--once"]
    assert started.spark_options() == [
        *("--master", "local[*]", "--deploy-mode", "client"),
        *("--driver-memory", "6g", "--conf", 'spark.my.text=it\'s "mine"', "--name", "a b"),
        *("--driver-class-path", f"{checkout.root}/.cache/jars/*", "pyspark-shell"),
    ]


@pytest.mark.parametrize(
    "given",
    [
        ["--master", "local[3]"],
        ["--master=local[3]"],
        ["--conf", "spark.master=local[3]"],
        ["--properties-file", "FILE"],
    ],
)
def test_the_master_is_taken_however_it_is_given(checkout: Checkout, given: list[str]) -> None:
    properties = checkout.root / "own.conf"
    properties.write_text("# mine\nspark.master   local[3]\n")
    given = [str(properties) if word == "FILE" else word for word in given]

    options = checkout.started(*given, "audit").spark_options()

    assert options[options.index("--master") + 1] == "local[3]"


def test_a_spark_option_after_the_command_is_refused_with_the_right_order(
    checkout: Checkout,
) -> None:
    done = checkout.run("stream", "--master", "yarn")

    assert done.returncode == 2
    assert "--master is an option of Spark. Put it before the command: " in done.stderr


def test_the_python_of_the_executors_reaches_pyspark(checkout: Checkout) -> None:
    """PySpark only reads it from the environment if Python is started first."""
    started = checkout.started("--conf", "spark.pyspark.python=/opt/python", "audit")

    assert started.environment["PYSPARK_PYTHON"] == "/opt/python"


def test_java_can_name_a_folder_in_any_script(checkout: Checkout) -> None:
    """In the locale C, a folder with an event name like `köp:klar` could not be created."""
    checkout.environment["LC_ALL"] = "C"
    assert checkout.started("audit").environment["LC_ALL"] == "C.UTF-8"
    options = checkout.started("--master", "local-cluster[2,1,1024]", "audit").spark_options()
    assert "spark.executorEnv.LC_ALL=C.UTF-8" in options


def test_help_of_a_command_needs_no_set_up(checkout: Checkout) -> None:
    """Neither Java nor a JAR nor a package is looked for."""
    (checkout.root / ".cache/setup/python").unlink()
    checkout.environment["JAVA_HOME"] = "/no/such/folder"

    started = checkout.started("--driver-memory", "6g", "stream", "--help")

    assert started.arguments == ["stream", "--help"]
    assert "PYSPARK_SUBMIT_ARGS" not in started.environment
    assert not (checkout.root / ".cache/setup/pip.log").exists()


def test_no_command_shows_how_to_use_it(checkout: Checkout) -> None:
    done = checkout.run()

    assert done.returncode == 2
    assert "COMMAND" in done.stderr


def test_it_runs_through_a_symbolic_link(checkout: Checkout) -> None:
    link = checkout.tools / "event-lake"
    link.symlink_to(checkout.root / "spark-submit.sh")
    checkout.root = link.parent

    done = checkout.run("audit", program="event-lake")

    assert json.loads(done.stdout)["arguments"] == ["audit"]


def test_executors_of_a_cluster_on_this_machine_are_shipped_everything(checkout: Checkout) -> None:
    options = checkout.started("--master", "local-cluster[2,1,1024]", "ingest").spark_options()

    cache = checkout.root / ".cache"
    shipped = dict(zip(options[::2], options[1::2], strict=False))
    assert shipped["--py-files"] == f"{cache}/event-lake.zip"
    assert shipped["--archives"] == (
        f"{cache.as_uri()}/event-lake-packages.zip#event_lake_packages"
    )
    assert shipped["--jars"] == f"{cache}/jars/delta.jar"
    assert shipped["--conf"] == "spark.executorEnv.PYTHONPATH=event_lake_packages"
    assert checkout.packed_for() == ""


def test_a_cluster_driver_gets_the_configuration_file_under_its_base_name(
    checkout: Checkout,
) -> None:
    checkout.environment["SPARK_HOME"] = str(checkout.cluster_spark(checkout.root / "spark"))
    config = checkout.root / "prod lake.toml"
    config.touch()

    done = checkout.run(
        *("--deploy-mode", "cluster", "--num-executors", "4", "--files", "mine.txt"),
        *("stream", "--config", str(config), "--once"),
    )

    words = done.stdout.splitlines()
    assert words[:4] == ["--master", "yarn", "--deploy-mode", "cluster"]
    assert words[words.index("--num-executors") + 1] == "4"
    assert words[words.index("--files") + 1] == f"mine.txt,{config}"
    assert "spark.yarn.appMasterEnv.PYTHONPATH=event_lake_packages" in words
    assert "--jars" not in words
    main = words.index(f"{checkout.root}/jobs/__main__.py")
    assert words[main + 1 :] == ["stream", "--config", "prod lake.toml", "--once"]


@pytest.mark.parametrize(
    ("command", "attempts"),
    [
        (["stream"], "spark.yarn.am.attemptFailuresValidityInterval=1h"),
        (["stream", "--once"], "spark.yarn.maxAppAttempts=1"),
        (["audit", "--drained"], "spark.yarn.maxAppAttempts=1"),
    ],
)
def test_yarn_starts_a_stream_again_and_nothing_else(
    checkout: Checkout, command: list[str], attempts: str
) -> None:
    """A user's own option comes later, so it counts."""
    checkout.environment["SPARK_HOME"] = str(checkout.cluster_spark(checkout.root / "spark"))
    own = ("--conf", "spark.yarn.maxAppAttempts=7")

    words = checkout.run("--deploy-mode", "cluster", *own, *command).stdout.splitlines()

    limits = [word for word in words if "ttempt" in word]
    assert limits == [attempts, "spark.yarn.maxAppAttempts=7"]


def test_an_application_has_the_name_of_its_command_unless_it_is_given(
    checkout: Checkout,
) -> None:
    checkout.environment["SPARK_HOME"] = str(checkout.cluster_spark(checkout.root / "spark"))

    default = checkout.run("--deploy-mode", "cluster", "stream").stdout.splitlines()
    given = checkout.run("--deploy-mode", "cluster", "--name", "my lake", "stream").stdout

    assert default[default.index("--name") + 1] == "event-lake stream"
    assert "my lake" in given.splitlines()
    assert "event-lake stream" not in given


def test_packages_are_packed_for_the_cluster_that_the_environment_names(
    checkout: Checkout,
) -> None:
    """By default, for Linux on the processors of this machine and the Python of .venv."""
    checkout.environment["SPARK_HOME"] = str(checkout.cluster_spark(checkout.root / "spark"))
    here = f"{sys.version_info[0]}.{sys.version_info[1]} {platform.machine()}"

    checkout.run("--deploy-mode", "cluster", "stream")
    by_default = checkout.packed_for()
    checkout.environment |= {
        "EVENT_LAKE_CLUSTER_PYTHON": "3.13",
        "EVENT_LAKE_CLUSTER_MACHINE": "aarch64",
    }
    checkout.run("--deploy-mode", "cluster", "stream")

    assert by_default == here
    assert checkout.packed_for() == "3.13 aarch64"


def test_the_spark_of_the_cluster_is_found_though_that_of_venv_comes_first_on_path(
    checkout: Checkout,
) -> None:
    """.venv has a spark-submit too if the demo has run, without the settings of a cluster."""
    checkout.program(checkout.root / ".venv/bin/spark-submit", "exit 9")
    spark = checkout.cluster_spark(checkout.root / "spark")
    checkout.environment["PATH"] = f"{checkout.tools}:{spark / 'bin'}"

    done = checkout.run("--deploy-mode", "cluster", "stream")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["--master", "yarn"]


def test_a_machine_without_a_clusters_spark_is_told_so(checkout: Checkout) -> None:
    checkout.environment["SPARK_HOME"] = "/no/such/spark"

    done = checkout.run("--deploy-mode", "cluster", "stream")

    assert done.returncode == 3
    assert "this machine has no Spark for --master yarn: /no/such/spark is not one" in done.stderr


def test_a_configuration_file_that_is_not_there_is_named_before_anything_is_submitted(
    checkout: Checkout,
) -> None:
    checkout.environment["SPARK_HOME"] = str(checkout.cluster_spark(checkout.root / "spark"))

    done = checkout.run("--deploy-mode", "cluster", "stream", "--config", "gone.toml")

    assert done.returncode == 2
    assert "there is no file gone.toml" in done.stderr
