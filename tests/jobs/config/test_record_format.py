"""What a record holds is set in a section below `[source]`."""

from pathlib import Path

import pytest

from jobs.config import Format, load_settings
from jobs.errors import ConfigError
from transforms.parsing import MemberPaths
from transforms.unpacking import RecordFormat

LAKE = ["lake.raw=r", "lake.processed=p", "lake.checkpoints=c", "source.stream=s"]


def test_each_way_of_setting_it(tmp_path: Path) -> None:
    """In the file, in the environment and on the command line; the later one wins."""
    file = tmp_path / "lake.toml"
    file.write_text(
        '[source]\nstream = "s"\n[source.format]\nframing = "lines"\nevent_uuid = "$.id"\n'
    )
    environment = {"EVENT_LAKE__SOURCE__FORMAT__COMPRESSION": "gzip"}
    overrides = ["source.format.event_name=$.detail-type", *LAKE]

    form = load_settings(str(file), overrides, environment).format

    assert form.record_format == RecordFormat("gzip", "lines", "none")
    assert form.paths == MemberPaths("$.id", "$.detail-type", "$.created_at")


def test_the_default_is_one_event_in_plain_json() -> None:
    assert load_settings(None, LAKE, {}).format.record_format.is_plain
    assert Format().paths == MemberPaths("$.event_uuid", "$.event_name", "$.created_at")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("source.format.framing=frames", r"source\.format\.framing must be one of"),
        ("source.format.event_uuid=id", r"source\.format: .*a path like .*got 'id'"),
        ("source.format.frame=lines", r"source\.format: unknown setting\(s\) \['frame'\]"),
        ("source.format=lines", r"source\.format must be a section like \[source\.format\]"),
        ("format.framing=lines", "unknown setting"),
        ("source.frame.x=lines", "expected section.key"),
    ],
)
def test_a_wrong_setting_is_named(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(None, [*LAKE, override], {})
