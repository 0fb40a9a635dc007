"""Settings come from a file, the environment and the command line, and every mistake is named."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.config.loader import load_settings
from jobs.config.settings import Settings
from jobs.errors import ConfigError
from transforms.enrichment import Field

CONF = Path(__file__).parents[3] / "conf"
MINIMAL = str(CONF / "minimal.toml")


def load(*overrides: str, path: str | None = MINIMAL, **environment: str) -> Settings:
    return load_settings(path, overrides, environment)


def test_the_command_line_overrides_the_environment_which_overrides_the_file() -> None:
    """The file overrides the defaults of a command."""
    environment = {"EVENT_LAKE__SOURCE__STREAM": "e", "EVENT_LAKE__SOURCE__REGION": "e"}
    defaults = {"source": {"start": "LATEST"}, "lake": {"raw": "of the command"}}
    settings = load_settings(MINIMAL, ["source.region=c"], environment, defaults)
    assert settings.source.stream == "e"
    assert settings.source.region == "c"
    assert settings.source.start == "LATEST"
    assert settings.lake.raw == "s3://my-company-raw/lake"


def test_text_becomes_the_type_of_its_setting() -> None:
    """Values from --set and from the environment are text."""
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
        (
            "once.windw=1 hour",
            r"once: unknown setting\(s\) \['windw'\]; known: \['canonical_uuid', ",
        ),
        (
            "onse.window=1 hour",
            r"configuration: unknown setting\(s\) \['onse'\]; known: \['checks'",
        ),
        ("once.window=10", r'once\.window: expected a duration like "10 minutes", got \'10\''),
        ("once.window=0 minutes", "once.window must be greater than zero, got 0:00:00"),
        ("once.max_future=6 minutes", "once.max_future must be at most half of once.window"),
        ("once.state_store=disk", r"once\.state_store must be one of \['rocksdb', 'memory'\]"),
        ("source.fail_on_data_loss=maybe", "source.fail_on_data_loss: expected true or false"),
        ("source.max_records_per_batch=many", "max_records_per_batch: expected a whole number"),
        ("source.max_records_per_batch=-1", "max_records_per_batch must be at least 0"),
        ("source.reads_per_second=-1", "reads_per_second must be at least 0"),
        ("source.max_records_per_batch=1__0", "batch: expected a whole number, got '1__0'"),
        ("source.retry_timeout=0 seconds", "source.retry_timeout must be greater than zero"),
        ("source.stream=", "source.stream must not be empty"),
        ("stream.trigger=0 seconds", "stream.trigger must be greater than zero"),
        ("checks.max_event_names=0", "checks.max_event_names must be at least 1"),
        ("checks.event_name_pattern=(", "checks: .*a regular expression"),
        ("checks.created_at_floor=2020-01-01", "expected an ISO 8601 time with an offset, like"),
        ("checks.created_at_floor=0001-01-01T00:00+14:00", r"floor: expected an ISO 8601 time"),
        ("lake.processed=s3://my-company-raw/lake/", "lake.raw and lake.processed are both"),
        (
            "process.max_bytes_per_batch=lots",
            'process.max_bytes_per_batch: expected a size like "512m"',
        ),
        ("fields.user_id.path=$.user", "fields.user_id: expected a path and a type, as in"),
        ("window=1 hour", "--set window: expected section.key, got 'window'"),
        ("once.window.unit=hour", "expected section.key, got 'once.window.unit'"),
        ("once.window", "--set: expected section.key=value, got 'once.window'"),
    ],
)
def test_a_wrong_override_is_named(override: str, message: str) -> None:
    """The error names the setting, what was expected and what was found."""
    with pytest.raises(ConfigError, match=message):
        load(override)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "[checks]\ncreated_at_floor = 2020-01-01T00:00:00",
            r"checks\.created_at_floor: expected an ISO",
        ),
        ("[source]\nmax_records_per_batch = true", "must be of type int, got True"),
        ("[source]\nstream = 2020-01-01T00:00:00Z", r"source\.stream must be of type str"),
        ("[fields]\nuser_id = 5", "fields.user_id: expected a path and a type"),
        ("[fields.user_id]\npath = 1\ntype = 2", "fields.user_id: expected a path and a type"),
        ("[once]\nwindow = 10", r"once\.window must be of type timedelta, got 10"),
        (
            "[once]\nwindow = '99999999999999 days'",
            r"once\.window: expected at most 999999999 days",
        ),
        ("source = 1", r"'source' must be a section like \[source\]"),
    ],
)
def test_a_value_of_another_type_is_named(tmp_path: Path, line: str, message: str) -> None:
    """TOML has types. A value whose type does not fit is rejected with the key."""
    file = tmp_path / "some.toml"
    file.write_text(line)
    with pytest.raises(ConfigError, match=message):
        load_settings(str(file), [], {}, tomllib.loads(Path(MINIMAL).read_text()))


def test_a_missing_setting_is_reported_with_the_ways_to_set_it() -> None:
    """The file, the command line and the environment."""
    message = (
        r"source\.stream is not set\. Put it under \[source\] in the --config file, "
        r"or use --set source\.stream=\.\.\. or EVENT_LAKE__SOURCE__STREAM=\.\.\."
    )
    with pytest.raises(ConfigError, match=message):
        load(path=None)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """It does not exist, or it is no TOML."""
    with pytest.raises(ConfigError, match=r"there is no configuration file .*none\.toml"):
        load(path=str(tmp_path / "none.toml"))
    broken = tmp_path / "broken.toml"
    broken.write_text("[source\n")
    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read as TOML"):
        load(path=str(broken))


@pytest.mark.parametrize("name", ["minimal", "local", "dev", "test", "prod"])
def test_the_files_in_conf_are_valid(name: str) -> None:
    """A user copies one, and changes its names."""
    assert load(path=str(CONF / f"{name}.toml")).source.stream
