"""Configuration: a TOML file, over it the environment, over that `--set`; then typed and checked.

source.stream = "events"            in the file:        [source] stream = "events"
                                    on the command line: --set source.stream=events
                                    in the environment:  EVENT_LAKE__SOURCE__STREAM=events
"""

import dataclasses
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from jobs.config.settings import Settings
from jobs.errors import ConfigError
from transforms.enrichment.promoted_fields import Field
from transforms.errors import InvalidSettingError

ENVIRONMENT_PREFIX = "EVENT_LAKE__"
Tree = dict[str, Any]

_DURATION = re.compile(r"(\d+) ?(second|minute|hour|day)s?")


def load(
    path: str | None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
    defaults: Tree | None = None,
) -> Settings:
    """Read all settings for one run.

    Args:
        path: the TOML file, or None to go without.
        overrides: `section.key=value` texts, as `--set` gives them.
        environment: variables, of which those that start with `EVENT_LAKE__` count.
        defaults: what a command itself brings (the demo), below the file.

    Raises:
        ConfigError: names the file, section or key, what was wanted and what was there.
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
            raise ConfigError(f"--set wants section.key=value, but got {override!r}")
        _put(tree, dotted, value, owner=f"--set {dotted}")
    return _settings(tree)


def duration(text: str) -> timedelta:
    """`"10 minutes"` -> 10 minutes. Seconds, minutes, hours and days; the unit must be there."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigError(f'wanted a duration like "10 minutes", but got {text!r}')
    return timedelta(**{f"{match[2]}s": int(match[1])})


def moment(text: str) -> datetime:
    """`"2026-01-31T00:00:00Z"` -> that moment. The offset must be there."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"wanted an ISO 8601 time, but got {text!r}") from None
    if parsed.tzinfo is None:
        raise ConfigError(f"wanted an ISO 8601 time with an offset or Z, but got {text!r}")
    return parsed.astimezone(UTC)


def _read_toml(path: str) -> Tree:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no configuration file at {path}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None


def _put(tree: Tree, dotted: str, value: str, owner: str) -> None:
    section, dot, key = dotted.partition(".")
    if not (section and dot and key) or ("." in key and section != "fields"):
        raise ConfigError(f"{owner}: wanted section.key, but got {dotted!r}")
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
    _refuse_unknown("configuration", tree, sections)
    values: Tree = {}
    for name, kind in sections.items():
        keys = tree.get(name, {})
        values[name] = _fields(keys) if name == "fields" else _section(name, kind, keys)
    return Settings(**values)


def _section(name: str, kind: type, keys: Tree) -> object:
    types = get_type_hints(kind)
    _refuse_unknown(name, keys, types)
    for field in dataclasses.fields(kind):
        if field.default is dataclasses.MISSING and field.name not in keys:
            variable = f"{ENVIRONMENT_PREFIX}{name}__{field.name}".upper()
            raise ConfigError(
                f"{name}.{field.name} is not set: put it under [{name}] in the --config file, "
                f"or give --set {name}.{field.name}=... or {variable}=..."
            )
    return kind(**{key: _typed(f"{name}.{key}", types[key], value) for key, value in keys.items()})


def _fields(keys: Tree) -> tuple[Field, ...]:
    """`[fields.user_id] path = "$.user.id" type = "bigint"` -> one Field for each column."""
    fields = []
    for column, parts in keys.items():
        is_field = isinstance(parts, dict) and set(parts) == {"path", "type"}
        if not is_field or not all(isinstance(part, str) for part in parts.values()):
            raise ConfigError(
                f"fields.{column} wants exactly a path and a type, as in "
                f'{column} = {{ path = "$.{column}", type = "string" }}, but is {parts!r}'
            )
        try:
            fields.append(Field(name=column, path=parts["path"], type=parts["type"]))
        except InvalidSettingError as error:
            raise ConfigError(f"fields.{column}: {error}") from None
    return tuple(fields)


def _refuse_unknown(owner: str, keys: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(keys) - set(known))
    if unknown:
        raise ConfigError(f"{owner}: unknown setting(s) {unknown}; known: {sorted(known)}")


def _typed(key: str, kind: Any, value: object) -> object:
    """`value` as the setting's type; text (from --set or the environment) is converted."""
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ConfigError(f"{key} must be one of {list(get_args(kind))}, but is {value!r}")
        return value
    convert = _FROM_TEXT[kind]
    if isinstance(value, str) or (kind is datetime and isinstance(value, datetime)):
        try:
            return convert(value if isinstance(value, str) else value.isoformat())
        except (ConfigError, ValueError, OverflowError) as error:
            raise ConfigError(f"{key}: {error}") from None
    # bool is a kind of int in Python: `max = true` must not pass for 1
    if type(value) is not kind or isinstance(value, timedelta):
        raise ConfigError(f"{key} must be of type {kind.__name__}, but is {value!r}")
    return value


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ConfigError(f"wanted true or false, but got {text!r}")
    return text.lower() == "true"


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"-?[0-9][0-9_]*", text):
        raise ConfigError(f"wanted a whole number, but got {text!r}")
    return int(text)


_FROM_TEXT: dict[type, Callable[[str], object]] = {
    str: str,
    int: _whole_number,
    bool: _boolean,
    timedelta: duration,
    datetime: moment,
}
