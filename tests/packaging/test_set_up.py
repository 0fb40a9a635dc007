"""The set-up on a machine that lacks something, and after an interruption."""

import json
import shutil
import sys

import pytest

from tests.packaging.conftest import Checkout

# --- Java -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [("25.0.1", "is Java 25"), ("11.0.2", "is Java 11"), ("1.8.0_402", "is Java 8")],
)
def test_an_unsupported_java_is_named_with_the_supported_versions(
    checkout: Checkout, version: str, expected: str
) -> None:
    home = checkout.root / "other-jdk"
    checkout.java(home, version)
    checkout.environment["JAVA_HOME"] = str(home)

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "Java 17 or 21 is needed" in done.stderr
    assert f"{home}/bin/java {expected}" in done.stderr
    assert "apt-get install openjdk-17" in done.stderr


def test_without_java_the_error_explains_how_to_install_it(checkout: Checkout) -> None:
    del checkout.environment["JAVA_HOME"]

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "Java 17 or 21 is needed, found: none" in done.stderr


def test_a_java_without_the_module_that_spark_needs_is_rejected(checkout: Checkout) -> None:
    home = checkout.root / "reduced"
    checkout.java(home, "17.0.9", vector=False)
    checkout.environment["JAVA_HOME"] = str(home)

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "is Java 17, but lacks the module jdk.incubator.vector" in done.stderr


def test_a_supported_java_is_found_if_java_home_is_not_supported(checkout: Checkout) -> None:
    """A user who needs JAVA_HOME for another program does not have to change it."""
    installed = checkout.root / "jvm"
    checkout.java(installed / "java-21", "21.0.5")
    checkout.java(checkout.root / "jdk-25", "25.0.1")
    checkout.environment["JAVA_HOME"] = str(checkout.root / "jdk-25")
    checkout.environment["EVENT_LAKE_JAVA_DIR"] = str(installed)

    done = checkout.run("audit")

    assert json.loads(done.stdout)["environment"]["JAVA_HOME"] == str(installed / "java-21")
    assert "JAVA_HOME has no Java that Spark supports; using Java 21" in done.stderr


# --- Python ---------------------------------------------------------------------------------------


def test_an_old_python_is_named_with_the_supported_versions(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / ".venv")
    checkout.program(checkout.tools / "python3", "echo 3.9")

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "Python 3.11 or newer is needed; python3 is 3.9" in done.stderr


def test_without_python_the_error_explains_how_to_install_it(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / ".venv")

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "there is none on PATH" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_a_python_without_venv_names_the_package_to_install(checkout: Checkout) -> None:
    """The python3 of Debian has the module venv, but not ensurepip, which venv needs."""
    shutil.rmtree(checkout.root / ".venv")
    python3 = checkout.tools / "python3"
    checkout.program(
        python3,
        'case "$*" in',
        f"  *base_executable*) echo '{python3}' ;;",
        "  *venv*) echo 'ensurepip is not available'; exit 1 ;;",
        f"  *) exec '{sys.executable}' \"$@\" ;;",
        "esac",
    )

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "apt-get install python3-venv" in done.stderr


def test_a_set_up_that_was_interrupted_starts_again(checkout: Checkout) -> None:
    """The stamp is written last, so a .venv without a stamp is incomplete."""
    python3, venv = checkout.tools / "python3", checkout.root / ".venv"
    checkout.program(
        python3,
        'case "$*" in',
        f"  *base_executable*) echo '{python3}' ;;",
        f"  *'-m venv'*) echo once more >> '{venv.parent}/attempts' ;;",
        f"  *) exec '{sys.executable}' \"$@\" ;;",
        "esac",
    )
    pip_fails = [
        'case "$*" in',
        "  *'-m pip'*) echo 'no route to the index'; exit 1 ;;",
        f"  *) exec '{sys.executable}' \"$@\" ;;",
        "esac",
    ]
    checkout.program(venv / "bin/python", *pip_fails)
    (checkout.root / ".cache/setup/python").unlink()

    failed = checkout.run("audit")
    checkout.program(venv / "bin/python", *[line.replace("exit 1", "exit 0") for line in pip_fails])
    repeated = checkout.run("audit")
    third = checkout.run("audit")

    assert failed.returncode == 3
    assert "no route to the index" in failed.stderr
    assert json.loads(repeated.stdout)["arguments"] == ["audit"]
    assert (checkout.root / "attempts").read_text() == "once more\nonce more\n"
    assert third.stderr == ""


def test_changed_pins_repeat_the_set_up(checkout: Checkout) -> None:
    with (checkout.root / "setup.py").open("a") as setup:
        setup.write("# another pin\n")

    done = checkout.run("audit")

    assert done.returncode == 3
    assert "Python 3.11 or newer is needed" in done.stderr
