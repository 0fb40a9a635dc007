"""A path is a path, or an error that names its owner."""

import pytest

from transforms.errors import InvalidSettingError
from transforms.parsing.json_paths import JsonPath, MemberPaths


def test_a_path_has_a_root_and_a_rest() -> None:
    """The root is a member of the record, the rest is a path in it."""
    nested, plain = JsonPath("$.payload.items[0].sku"), JsonPath("$.@timestamp")
    assert (nested.root, nested.below_root) == ("payload", "$.items[0].sku")
    assert (plain.root, plain.below_root) == ("@timestamp", "$")


@pytest.mark.parametrize("text", ["", "$", "user", "$.", "$.a..b", "$[0]", "$.a b", "$.a['b']"])
def test_what_is_no_path_is_an_error(text: str) -> None:
    with pytest.raises(InvalidSettingError, match="this setting: expected a path like"):
        JsonPath(text, "this setting")


def test_the_error_of_a_member_names_the_member() -> None:
    with pytest.raises(InvalidSettingError, match=r"MemberPaths\(created_at\)"):
        MemberPaths(created_at="time")
