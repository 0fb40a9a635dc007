"""A format that cannot be undone is rejected when it is made."""

from typing import Any

import pytest

from transforms.errors import InvalidSettingError
from transforms.unpacking.record_format import PLAIN, RecordFormat


@pytest.mark.parametrize("name", ["compression", "framing", "envelope"])
def test_unknown_forms_are_rejected(name: str) -> None:
    """The error names the setting, the known values and what was found."""
    wrong: dict[str, Any] = {name: "snappy"}
    with pytest.raises(InvalidSettingError, match=rf"{name}\): expected one of .*got 'snappy'"):
        RecordFormat(**wrong)


def test_only_the_default_is_plain() -> None:
    assert PLAIN.is_plain
    assert not RecordFormat(compression="auto").is_plain
