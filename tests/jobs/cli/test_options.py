"""Options that commands share, and the parsers of their values."""

import argparse
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from jobs.cli.options import (
    add_date_options,
    add_mix_options,
    duration,
    iso_date,
    positive,
    require_date_order,
    row_count,
    share,
)
from jobs.errors import ConfigError


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (share, "5%", 0.05),
        (share, "0.5%", 0.005),
        (share, "0%", 0.0),
        (positive, "1", 1),
        (positive, "60_000", 60_000),
        (positive, "60,000", 60_000),
        (row_count, "0", 0),
        (row_count, "50", 50),
        (iso_date, "2026-01-31", date(2026, 1, 31)),
        (duration, "10 minutes", timedelta(minutes=10)),
        (duration, "1 HOUR", timedelta(hours=1)),
    ],
)
def test_values_are_parsed_as_people_write_them(
    parse: Callable[[str], Any], text: str, expected: object
) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["5", "0.05", "-1%", "five%", "%"])
def test_a_share_needs_its_percent_sign(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"expected a share like 5%, got '{text}'"):
        share(text)


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "many", "", "_"])
def test_a_count_is_a_whole_number_of_at_least_1(text: str) -> None:
    expected = f"expected a number of 1 or more, got '{text}'"
    with pytest.raises(argparse.ArgumentTypeError, match=expected):
        positive(text)


@pytest.mark.parametrize("text", ["-1", "1.5", "few", ""])
def test_a_number_of_rows_is_a_whole_number(text: str) -> None:
    expected = f"expected a number of rows, got '{text}'"
    with pytest.raises(argparse.ArgumentTypeError, match=expected):
        row_count(text)


@pytest.mark.parametrize("text", ["10", "10 fortnights", "minutes", "-1 minutes", ""])
def test_a_duration_needs_its_unit(text: str) -> None:
    expected = f"expected a duration like \"10 minutes\", got '{text}'"
    with pytest.raises(argparse.ArgumentTypeError, match=expected):
        duration(text)


@pytest.mark.parametrize("text", ["2026-02-30", "31.1.2026", "yesterday", ""])
def test_a_date_is_one_of_the_calendar(text: str) -> None:
    expected = f"expected a date like 2026-01-31, got '{text}'"
    with pytest.raises(argparse.ArgumentTypeError, match=expected):
        iso_date(text)


def test_dates_must_be_in_order() -> None:
    parser = argparse.ArgumentParser()
    add_date_options(parser)
    require_date_order(parser.parse_args(["--from", "2026-01-31", "--to", "2026-01-31"]))
    with pytest.raises(ConfigError, match="--from 2026-02-01 is after --to 2026-01-31"):
        require_date_order(parser.parse_args(["--from", "2026-02-01", "--to", "2026-01-31"]))


@pytest.mark.parametrize("name", ["--duplicates", "--twins"])
def test_the_share_of_duplicates_has_a_former_name(name: str) -> None:
    """Scripts that use the name of an earlier release still run."""
    parser = argparse.ArgumentParser()
    add_mix_options(parser)
    assert parser.parse_args([name, "7%"]).duplicates == 0.07
    assert parser.parse_args([]).duplicates == 0.05
    assert "--twins" not in parser.format_help()
