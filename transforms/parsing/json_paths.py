"""Where a value is in the JSON of an event: `$.payload.items[0].sku`."""

import re
from dataclasses import dataclass

from transforms.columns import CREATED_AT, EVENT_NAME, EVENT_UUID
from transforms.errors import InvalidSettingError

_KEY = r"\.[A-Za-z_@][A-Za-z0-9_@-]*"
_PATH = re.compile(rf"\$({_KEY})((?:{_KEY}|\[[0-9]{{1,9}}\])*)")


@dataclass(frozen=True)
class JsonPath:
    """A path from the root object: keys, and indexes of arrays.

    Raises:
        InvalidSettingError: the text is no such path. The error names `owner`.
    """

    text: str
    owner: str = "JsonPath"

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.text):
            expected = "a path like $.user_id or $.payload.items[0].sku"
            raise InvalidSettingError(self.owner, expected, self.text)

    @property
    def root(self) -> str:
        """`$.payload.items[0].sku` -> `payload`"""
        return self._split()[0]

    @property
    def below_root(self) -> str:
        """`$.payload.items[0].sku` -> `$.items[0].sku`"""
        return f"${self._split()[1]}"

    def _split(self) -> tuple[str, str]:
        match = _PATH.fullmatch(self.text)
        assert match is not None  # checked in __post_init__
        return match[1][1:], match[2]


@dataclass(frozen=True)
class MemberPaths:
    """Where the three members that every event has are in its JSON.

    Raises:
        InvalidSettingError: one of the texts is no path.
    """

    event_uuid: str = f"$.{EVENT_UUID}"
    event_name: str = f"$.{EVENT_NAME}"
    created_at: str = f"$.{CREATED_AT}"

    def __post_init__(self) -> None:
        self.by_column()

    def by_column(self) -> dict[str, JsonPath]:
        """The path of each member, by the name of its column."""
        return {
            name: JsonPath(getattr(self, name), f"MemberPaths({name})")
            for name in (EVENT_UUID, EVENT_NAME, CREATED_AT)
        }


DEFAULT_PATHS = MemberPaths()
