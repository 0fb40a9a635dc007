"""Load settings from a TOML file, the environment and `--set`, in this order; the last one wins.

source.stream = "events"            in the file:         [source] stream = "events"
                                    in the environment:  EVENT_LAKE__SOURCE__STREAM=events
                                    on the command line: --set source.stream=events
"""

import dataclasses
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from jobs.config.settings import SECTION_NAMES, Settings
from jobs.config.values import (
    parse_boolean,
    parse_duration,
    parse_integer,
    parse_time,
    require_known,
)
from jobs.errors import ConfigError
from transforms.enrichment import Field
from transforms.errors import InvalidSettingError

ENVIRONMENT_PREFIX = "EVENT_LAKE__"
Tree = dict[str, Any]
"""Settings as TOML reads them: sections of keys."""


def load_settings(
    path: str | None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
    defaults: Tree | None = None,
) -> Settings:
    """Load and check all settings of one run.

    Args:
        path: the TOML file; None for no file.
        overrides: `section.key=value` texts from `--set`.
        environment: the variables; only names that start with `EVENT_LAKE__` are read.
        defaults: the defaults of one command, which the file overrides.

    Raises:
        ConfigError: names the file, section or key, what was expected and what was found.
    """
    tree: Tree = {name: dict(keys) for name, keys in (defaults or {}).items()}
    if path is not None:
        for section, keys in _read_toml(path).items():
            if not isinstance(keys, dict):
                raise ConfigError(f"{path}: {section!r} must be a section like [{section}]")
            tree.setdefault(section, {}).update(keys)
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            dotted = name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
            _put(tree, dotted, value, owner=name)
    for override in overrides:
        dotted, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set: expected section.key=value, got {override!r}")
        _put(tree, dotted, value, owner=f"--set {dotted}")
    return _settings(tree)


def _read_toml(path: str) -> Tree:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"there is no configuration file {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None


def _put(tree: Tree, dotted: str, value: str, owner: str) -> None:
    section, dot, key = dotted.partition(".")
    parent, _, _ = dotted.rpartition(".")
    has_parts = section == "fields" or parent in SECTION_NAMES.values()
    if not (section and dot and key) or ("." in key and not has_parts):
        raise ConfigError(f"{owner}: expected section.key, got {dotted!r}")
    if "." in key:
        column, _, key = key.partition(".")
        parts = tree.setdefault(section, {}).setdefault(column, {})
        if not isinstance(parts, dict):
            raise ConfigError(f"{owner}: {section}.{column} is {parts!r} and has no {key}")
        parts[key] = value
    else:
        tree.setdefault(section, {})[key] = value


def _settings(tree: Tree) -> Settings:
    sections = get_type_hints(Settings)
    require_known("configuration", tree, set(sections) - SECTION_NAMES.keys())
    values: Tree = {}
    for name, kind in sections.items():
        keys = _keys(tree, SECTION_NAMES.get(name, name))
        if name == "fields":
            values[name] = _fields(keys)
        else:
            values[name] = _section(SECTION_NAMES.get(name, name), kind, keys)
    return Settings(**values)


def _keys(tree: Tree, section: str) -> Tree:
    """The keys of `section`, without the sections below it: `source.format` is one."""
    keys: Any = tree
    for part in section.split("."):
        keys = keys.get(part, {})
        if not isinstance(keys, dict):
            raise ConfigError(f"{section} must be a section like [{section}], got {keys!r}")
    below = [name.removeprefix(f"{section}.") for name in SECTION_NAMES.values()]
    return {key: value for key, value in keys.items() if key not in below}


def _section(name: str, kind: type, keys: Tree) -> object:
    types = get_type_hints(kind)
    require_known(name, keys, set(types))
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.name not in keys:
            variable = f"{ENVIRONMENT_PREFIX}{name}__{field.name}".upper().replace(".", "__")
            raise ConfigError(
                f"{name}.{field.name} is not set. Put it under [{name}] in the --config file, "
                f"or use --set {name}.{field.name}=... or {variable}=..."
            )
    return kind(**{key: _typed(f"{name}.{key}", types[key], value) for key, value in keys.items()})


def _fields(keys: Tree) -> tuple[Field, ...]:
    """`[fields.user_id] path = "$.user.id" type = "bigint"` -> one Field for each column."""
    fields = []
    for column, parts in keys.items():
        is_field = isinstance(parts, dict) and set(parts) == {"path", "type"}
        if not is_field or not all(isinstance(part, str) for part in parts.values()):
            raise ConfigError(
                f"fields.{column}: expected a path and a type, as in "
                f'{column} = {{ path = "$.{column}", type = "string" }}, got {parts!r}'
            )
        try:
            fields.append(Field(name=column, path=parts["path"], type=parts["type"]))
        except InvalidSettingError as error:
            raise ConfigError(f"fields.{column}: {error}") from None
    return tuple(fields)


def _typed(key: str, kind: Any, value: object) -> object:
    """Convert text (from --set or the environment) to the type of the setting."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ConfigError(f"{key} must be one of {list(get_args(kind))}, got {value!r}")
        return value
    parse = _PARSERS[kind]
    if isinstance(value, str) or (kind is datetime and isinstance(value, datetime)):
        try:
            return parse(value if isinstance(value, str) else value.isoformat())
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from None
    # bool is a subtype of int in Python, but `max = true` is no number
    if type(value) is not kind or isinstance(value, timedelta):
        raise ConfigError(f"{key} must be of type {kind.__name__}, got {value!r}")
    return value


_PARSERS: dict[type, Callable[[str], object]] = {
    str: str,
    int: parse_integer,
    bool: parse_boolean,
    timedelta: parse_duration,
    datetime: parse_time,
}
