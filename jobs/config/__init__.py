"""The settings: their sections and defaults, where their values come from, how they are parsed."""

from jobs.config.documentation import configuration_markdown, reference_toml
from jobs.config.loader import ENVIRONMENT_PREFIX, Tree, load_settings
from jobs.config.locations import Lake, Source
from jobs.config.record_format import Format
from jobs.config.settings import (
    Checks,
    Events,
    Once,
    Process,
    Query,
    Settings,
    StateStore,
    Stream,
)
from jobs.config.stream_arn import (
    is_same_stream,
    parse_stream_arn,
    region_of,
    require_role,
    stream_name,
)
from jobs.config.values import (
    format_duration,
    parse_boolean,
    parse_duration,
    parse_integer,
    parse_time,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "Checks",
    "Events",
    "Format",
    "Lake",
    "Once",
    "Process",
    "Query",
    "Settings",
    "Source",
    "StateStore",
    "Stream",
    "Tree",
    "configuration_markdown",
    "format_duration",
    "is_same_stream",
    "load_settings",
    "parse_boolean",
    "parse_duration",
    "parse_integer",
    "parse_stream_arn",
    "parse_time",
    "reference_toml",
    "region_of",
    "require_role",
    "stream_name",
]
