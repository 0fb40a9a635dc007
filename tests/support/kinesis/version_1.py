"""Offsets of version 1, as an earlier release of the source wrote them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def as_version_1(offset: Mapping[str, Any]) -> Json:
    """The same offset in version 1, which has `DRAINED` for SHARD_END and `behind_ms`."""
    former = {**offset, "version": 1}
    former["shards"] = {shard: _position(item) for shard, item in offset["shards"].items()}
    if "initial" in offset:
        former["initial"] = _position(offset["initial"])
    return former


def rewrite_as_version_1(checkpoint: Path) -> str:
    """Rewrite the offsets of a checkpoint as version 1. Return the last one."""
    offset = ""
    for path in sorted((checkpoint / "offsets").glob("[0-9]*"), key=lambda path: int(path.name)):
        *head, offset = path.read_text().splitlines()
        offset = json.dumps(as_version_1(json.loads(offset)))
        path.write_text("\n".join([*head, offset]))
        path.with_name(f".{path.name}.crc").unlink()
    return offset


def _position(position: Mapping[str, Any]) -> Json:
    former = dict(position)
    if former["state"] == "SHARD_END":
        former["state"] = "DRAINED"
    if "millis_behind_latest" in former:
        former["behind_ms"] = former.pop("millis_behind_latest")
    return dict(sorted(former.items()))
