"""What the documents say is what the code does."""

import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import errors
from jobs.audit.report import BREACHES
from jobs.errors import DataLossError, EventLakeError
from jobs.sources.kinesis.options import options_table
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA, RECORD_SCHEMA

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_options_of_the_source_are_listed() -> None:
    """The table in the document is the one in the code."""
    assert options_table() in (ROOT / "docs/kinesis-source.md").read_text()


def test_the_data_flow_names_every_column_of_every_stage(spark: SparkSession) -> None:
    """A column that is not in the table, or in a stage that does not have it, is found."""
    rows = re.findall(
        r"^\| `(\w+)` \|[^|\n]+\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|",
        (ROOT / "docs/data-flow.md").read_text(),
        re.MULTILINE,
    )
    schemas = (RECORD_SCHEMA, RAW_SCHEMA, EVENT_SCHEMA, QUARANTINE_SCHEMA)
    for stage, schema in enumerate(schemas, start=1):
        documented = {row[0] for row in rows if row[stage].strip()}
        assert documented == set(spark.createDataFrame([], schema).columns)


def test_operations_tell_every_exit_code_and_every_breach() -> None:
    """A user finds what a run or an audit has ended with."""
    operations = (ROOT / "docs/operations.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {EventLakeError, DataLossError} <= set(kinds)
    for error in kinds:
        assert f"\n| {error.exit_code} | " in operations, error
    for breach in BREACHES:
        assert f"`{breach}`" in operations, breach


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A link to a file of this repository names one that is there."""
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_readme_names_commands_that_exist() -> None:
    """The two commands, as files that can be run."""
    readme = (ROOT / "README.md").read_text()
    for command in ("spark-submit.sh", "tests/run"):
        assert command in readme
        assert (ROOT / command).stat().st_mode & 0o111
