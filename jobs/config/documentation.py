"""All settings as text: docs/configuration.md and conf/reference.toml (`make docs`)."""

import dataclasses
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from textwrap import wrap
from typing import Any, Literal, get_args, get_origin, get_type_hints

from jobs.config.settings import SECTION_NAMES, Settings
from jobs.config.values import format_duration
from transforms.enrichment import FIELD_TYPES

_MARKDOWN_HEAD = """\
# Configuration

Settings come from a TOML file (`--config FILE`), from the environment and from `--set`. The later
of these wins:

| where | example |
|---|---|
| file | `[source]` and below it `stream = "events"` |
| environment | `EVENT_LAKE__SOURCE__STREAM=events` |
| command line | `--set source.stream=events` |

If the driver runs on the cluster, use the file or `--set`: variables of your shell do not reach it.
Durations are texts like `"10 minutes"`, in milliseconds, seconds, minutes, hours or days. An
unknown setting is an error. This page is generated from `jobs/config`;
[conf/reference.toml](../conf/reference.toml) has the same as a file to copy from.
"""

_MARKDOWN_FIELDS = f"""
## `[fields]`

Members of the JSON that become columns of `events`, one line each:
`user_id = {{ path = "$.user.id", type = "bigint" }}`.
Types: {", ".join(f"`{name}`" for name in FIELD_TYPES)}.
See [how to add a field](how-to/add-a-field.md).
"""

_TOML_HEAD = """\
# Every setting with its default. Lines that start with #: must be set by you, or are examples.
# On the command line: --set section.key=value. In the environment: EVENT_LAKE__SECTION__KEY=value.
"""

_TOML_FIELDS = f"""
# Members of the JSON that become columns of `events`.
# Types: {", ".join(FIELD_TYPES)}
[fields]
#: user_id = {{ path = "$.user.id", type = "bigint" }}
"""


def configuration_markdown() -> str:
    """All settings as a Markdown page, one table for each section."""
    return "".join([_MARKDOWN_HEAD, *map(_markdown_section, _sections()), _MARKDOWN_FIELDS])


def reference_toml() -> str:
    """All settings as a TOML file with every default."""
    return "".join([_TOML_HEAD, *map(_toml_section, _sections()), _TOML_FIELDS])


Section = tuple[str, type]


def _sections() -> Iterator[Section]:
    for name, kind in get_type_hints(Settings).items():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            yield SECTION_NAMES.get(name, name), kind


def _markdown_section(section: Section) -> str:
    name, kind = section
    types = get_type_hints(kind)
    lines = [f"\n## `[{name}]`\n", _first_line(kind), "", "| setting | type | default | meaning |"]
    lines.append("|---|---|---|---|")
    for field in dataclasses.fields(kind):
        default = "must be set" if _is_required(field) else f"`{_literal(field.default)}`"
        type_name = _type_name(types[field.name])
        lines.append(f"| `{field.name}` | {type_name} | {default} | {field.metadata['meaning']} |")
    return "\n".join(lines) + "\n"


def _toml_section(section: Section) -> str:
    name, kind = section
    lines = ["", *_comment(_first_line(kind)), f"[{name}]"]
    for field in dataclasses.fields(kind):
        lines += _comment(field.metadata["meaning"])
        required = _is_required(field)
        lines.append(f"#: {field.name} = ..." if required else f"{field.name} = {_toml(field)}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return wrap(text, width=98, initial_indent="# ", subsequent_indent="# ")


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind))
    names = {str: "text", int: "integer", bool: "boolean", timedelta: "duration", datetime: "time"}
    return names[kind]


def _literal(value: object) -> str:
    match value:
        case timedelta():
            return format_duration(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case bool():
            return str(value).lower()
        case int():
            return f"{value:_}"
        case _:
            return str(value).replace("|", "\\|") or '""'


def _toml(field: dataclasses.Field[Any]) -> str:
    value = field.default
    if isinstance(value, bool | int):
        return _literal(value)
    return json.dumps(value if isinstance(value, str) else _literal(value))
