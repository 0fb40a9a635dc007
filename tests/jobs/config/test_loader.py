"""Settings: a file, over it the environment, over that the command line; nonsense is named."""

import dataclasses
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from jobs.config import loader as config
from jobs.config.settings import Settings
from jobs.errors import ConfigError
from transforms.enrichment.promoted_fields import Field

CONF = Path(__file__).parents[3] / "conf"
MINIMAL = str(CONF / "minimal.toml")
REQUIRED = {"source.stream", "lake.raw", "lake.processed", "lake.checkpoints"}


def load(*overrides: str, path: str | None = MINIMAL, **environment: str) -> Settings:
    return config.load(path, overrides, environment)


def test_the_command_line_is_over_the_environment_and_that_over_the_file() -> None:
    """The nearer a setting stands to the run, the more it counts."""
    environment = {"EVENT_LAKE__SOURCE__STREAM": "e", "EVENT_LAKE__SOURCE__REGION": "e"}
    settings = config.load(
        MINIMAL, ["source.region=c"], environment, {"source": {"start": "LATEST"}}
    )
    assert settings.source.stream == "e"
    assert settings.source.region == "c"
    assert settings.source.start == "LATEST"
    assert settings.lake.raw == "s3://my-company-raw/lake"


def test_text_becomes_the_type_of_its_setting() -> None:
    """--set and the environment give text only."""
    settings = load(
        "once.window=2 hours",
        "source.fail_on_data_loss=FALSE",
        "source.max_records_per_batch=5_000",
        "source.retry_timeout=90 seconds",
        "checks.created_at_floor=2020-01-01T02:00:00+02:00",
        "fields.user_id.path=$.user.id",
        "fields.user_id.type=bigint",
    )
    assert settings.once.window == timedelta(hours=2)
    assert settings.source.fail_on_data_loss is False
    assert settings.source.max_records_per_batch == 5000
    assert settings.source.retry_timeout == timedelta(seconds=90)
    assert settings.checks.created_at_floor == datetime(2020, 1, 1, tzinfo=UTC)
    assert settings.fields == (Field("user_id", "$.user.id", "bigint"),)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("once.windw=1 hour", r"once: unknown setting\(s\) \['windw'\]; known: \['max_future', "),
        (
            "onse.window=1 hour",
            r"configuration: unknown setting\(s\) \['onse'\]; known: \['checks'",
        ),
        ("once.window=10", r'once\.window: wanted a duration like "10 minutes", but got \'10\''),
        ("once.window=0 minutes", "once.window must be longer than nothing"),
        ("once.max_future=6 minutes", "once.max_future must be at most half of once.window"),
        ("once.state_store=disk", r"once\.state_store must be one of \['rocksdb', 'memory'\]"),
        ("source.fail_on_data_loss=maybe", "source.fail_on_data_loss: wanted true or false"),
        ("source.max_records_per_batch=many", "max_records_per_batch: wanted a whole number"),
        ("source.max_records_per_batch=-1", "max_records_per_batch must be at least 0"),
        ("source.reads_per_second=-1", "reads_per_second must be at least 0"),
        ("source.retry_timeout=0 seconds", "source.retry_timeout must be longer than nothing"),
        ("source.stream=", "source.stream must not be empty"),
        ("stream.trigger=0 seconds", "stream.trigger must be longer than nothing"),
        ("checks.max_event_names=0", "checks.max_event_names must be at least 1"),
        ("checks.event_name_pattern=(", "checks: .*a regular expression"),
        ("checks.created_at_floor=2020-01-01", "ISO 8601 time with an offset or Z"),
        ("lake.processed=s3://my-company-raw/lake/", "lake.raw and lake.processed are both"),
        (
            "process.max_bytes_per_batch=lots",
            'process.max_bytes_per_batch: wanted a size like "512m"',
        ),
        ("fields.user_id.path=$.user", "fields.user_id wants exactly a path and a type"),
        ("window=1 hour", "wanted section.key, but got 'window'"),
        ("once.window", "--set wants section.key=value"),
    ],
)
def test_nonsense_is_named(override: str, message: str) -> None:
    """The message says which setting, what was wanted and what was there."""
    with pytest.raises(ConfigError, match=message):
        load(override)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "[checks]\ncreated_at_floor = 2020-01-01T00:00:00",
            r"checks\.created_at_floor: wanted an ISO",
        ),
        ("[source]\nmax_records_per_batch = true", "must be of type int, but is True"),
        ("[source]\nstream = 2020-01-01T00:00:00Z", r"source\.stream must be of type str"),
        ("[fields]\nuser_id = 5", "fields.user_id wants exactly a path and a type"),
        ("[fields.user_id]\npath = 1\ntype = 2", "fields.user_id wants exactly a path and a type"),
        ("[once]\nwindow = '99999999999999 days'", r"once\.window: "),
        ("source = 1", r"'source' must be a section like \[source\]"),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path: Path, line: str, message: str) -> None:
    """TOML has types of its own; each that does not fit is refused with the key."""
    file = tmp_path / "some.toml"
    file.write_text(line)
    with pytest.raises(ConfigError, match=message):
        config.load(str(file), [], {}, tomllib.loads(Path(MINIMAL).read_text()))


def test_a_missing_setting_says_where_to_put_it() -> None:
    """All three ways are named."""
    with pytest.raises(
        ConfigError, match=r"source\.stream is not set: .*EVENT_LAKE__SOURCE__STREAM"
    ):
        load(path=None)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, and one that is no TOML."""
    with pytest.raises(ConfigError, match=r"no configuration file at .*none\.toml"):
        load(path=str(tmp_path / "none.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("[source\n")
    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read as TOML"):
        load(path=str(broken))


@pytest.mark.parametrize("name", ["minimal", "local", "dev", "test", "prod"])
def test_our_examples_are_sound(name: str) -> None:
    """Each file in conf/ runs as it is, or with its names replaced."""
    assert load(path=str(CONF / f"{name}.toml")).source.stream


def test_the_reference_names_every_setting_with_its_default() -> None:
    """No more, no fewer, none outdated."""
    text = (CONF / "reference.toml").read_text()
    listed = _keys(tomllib.loads(text))
    defaults = {
        f"{section}.{field.name}"
        for section, kind in get_type_hints(Settings).items()
        if dataclasses.is_dataclass(kind)
        for field in dataclasses.fields(kind)
    }
    assert listed | REQUIRED == defaults
    assert all(f"#: {name.partition('.')[2]} =" in text for name in REQUIRED)
    assert load() == dataclasses.replace(
        config.load(str(CONF / "reference.toml"), _required(), {}), source=load().source
    )


def _keys(tree: dict[str, Any]) -> set[str]:
    return {f"{section}.{key}" for section, keys in tree.items() for key in keys}


def _required() -> list[str]:
    lake = tomllib.loads(Path(MINIMAL).read_text())["lake"]
    return ["source.stream=events", *(f"lake.{key}={value}" for key, value in lake.items())]
