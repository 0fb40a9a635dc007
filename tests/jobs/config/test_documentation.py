"""The page and the file that list every setting."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import get_type_hints

import pytest

from jobs.config import Settings, load_settings
from jobs.config.documentation import configuration_markdown, reference_toml
from jobs.config.settings import SECTION_NAMES

CONF = Path(__file__).parents[3] / "conf"
REQUIRED = {
    "source.stream": "events",
    "lake.raw": "s3://raw",
    "lake.processed": "s3://processed",
    "lake.checkpoints": "s3://checkpoints",
}


def names_of_settings() -> set[str]:
    """`source.stream`, … from the dataclasses themselves."""
    return {
        f"{SECTION_NAMES.get(section, section)}.{field.name}"
        for section, kind in get_type_hints(Settings).items()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
    }


def load(path: Path | None) -> Settings:
    """Load the file with the settings that have no default."""
    overrides = [f"{name}={value}" for name, value in REQUIRED.items()]
    return load_settings(str(path) if path else None, overrides, environment={})


@pytest.mark.parametrize("source", ["generated", "file"])
def test_the_reference_has_every_setting_with_its_default(source: str, tmp_path: Path) -> None:
    """No more and no fewer. A required setting is a comment."""
    path = CONF / "reference.toml"
    if source == "generated":
        path = tmp_path / "reference.toml"
        path.write_text(reference_toml())
    text = path.read_text()
    sections = tomllib.loads(text)
    form = sections["source"].pop("format")
    listed = {f"{section}.{key}" for section, keys in sections.items() for key in keys}
    listed |= {f"source.format.{key}" for key in form}
    assert listed | REQUIRED.keys() == names_of_settings()
    assert listed.isdisjoint(REQUIRED)
    assert all(f"#: {name.partition('.')[2]} =" in text for name in REQUIRED)
    assert load(path) == load(None)


def test_every_line_of_the_reference_fits_into_a_terminal() -> None:
    """Long meanings are wrapped."""
    assert max(map(len, reference_toml().splitlines())) <= 100


def test_the_page_has_a_row_for_every_setting() -> None:
    """With its type, its default and its meaning."""
    page = configuration_markdown()
    rows = set(re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .+ \|$", page, re.MULTILINE))
    assert rows == {name.rpartition(".")[2] for name in names_of_settings()}
    assert "| `stream` | text | must be set | Name of the Kinesis stream, or its ARN" in page
    assert "| `max_records_per_batch` | integer | `1_000_000` | Target number" in page
    assert "| `window` | duration | `10 minutes` | " in page
    assert "| `state_store` | `rocksdb` or `memory` | `rocksdb` | " in page
    assert "| `created_at_floor` | time | `2000-01-01T00:00:00Z` | " in page
    assert "| `fail_on_data_loss` | boolean | `true` | " in page


def test_the_tables_of_the_page_are_not_broken_by_a_value() -> None:
    """A pattern may contain the character that separates the columns."""
    table = [line for line in configuration_markdown().splitlines() if line.startswith("| `")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {5}


def test_every_setting_has_a_meaning() -> None:
    """The meaning is a sentence, which ends with a full stop."""
    for kind in get_type_hints(Settings).values():
        if dataclasses.is_dataclass(kind):
            for field in dataclasses.fields(kind):
                assert field.metadata["meaning"].endswith("."), field.name
