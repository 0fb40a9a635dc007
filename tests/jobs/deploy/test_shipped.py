"""The shipped packages, and the Python that finds them."""

import platform
import sys
from pathlib import Path

import pytest

from jobs.deploy import require_matching_python
from jobs.deploy.archives import BUILT_FOR
from jobs.errors import SetupError

HERE = ".".join(map(str, sys.version_info[:2]))


def test_packages_for_another_python_are_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise pyarrow would fail to import, with an error that names neither."""
    (tmp_path / BUILT_FOR).write_text("3.9 riscv64\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    with pytest.raises(SetupError, match=r"are for Python 3\.9 on riscv64") as raised:
        require_matching_python()

    assert f"EVENT_LAKE_CLUSTER_PYTHON={HERE}" in str(raised.value)


@pytest.mark.parametrize("machine", [platform.machine(), "this machine"])
def test_packages_for_this_python_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    (tmp_path / BUILT_FOR).write_text(f"{HERE} {machine}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    require_matching_python()
