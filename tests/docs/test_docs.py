"""The documents agree with the code."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import errors
from jobs.audit import VIOLATIONS
from jobs.config import configuration_markdown, reference_toml
from jobs.errors import DataLossError, EventLakeError
from jobs.sources.kinesis import options_table
from transforms.columns import EVENT_SCHEMA, QUARANTINE_SCHEMA, RAW_SCHEMA, RECORD_SCHEMA

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MAX_README_LINES = 150


def test_the_options_of_the_source_are_listed() -> None:
    """The table in the document is the one in the code."""
    assert options_table() in (ROOT / "docs/kinesis-source.md").read_text()


@pytest.mark.parametrize(
    ("file", "generated"),
    [("docs/configuration.md", configuration_markdown), ("conf/reference.toml", reference_toml)],
)
def test_the_lists_of_settings_are_generated(file: str, generated: Callable[[], str]) -> None:
    """Each has every setting with its default and its meaning, as the code has them."""
    assert (ROOT / file).read_text() == generated(), "out of date: run make docs"


def test_the_data_flow_names_every_column_of_every_stage(spark: SparkSession) -> None:
    """No column is missing, and none is in a stage that does not have it."""
    rows = re.findall(
        r"^\| `(\w+)` \|[^|\n]+\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|",
        (ROOT / "docs/data-flow.md").read_text(),
        re.MULTILINE,
    )
    schemas = (RECORD_SCHEMA, RAW_SCHEMA, EVENT_SCHEMA, QUARANTINE_SCHEMA)
    for stage, schema in enumerate(schemas, start=1):
        documented = {row[0] for row in rows if row[stage].strip()}
        assert documented == set(spark.createDataFrame([], schema).columns)


def test_operations_explain_every_exit_code() -> None:
    """A user finds the meaning of the code with which a command ended."""
    operations = (ROOT / "docs/operations.md").read_text()
    known = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, EventLakeError)
    ]
    assert {EventLakeError, DataLossError} <= set(known)
    for error in known:
        assert f"\n| {error.exit_code} | " in operations, error


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_operations_explain_every_violation(violation: str) -> None:
    """A user finds the meaning of what an audit reports."""
    assert f"`{violation}`" in (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_document_lead_somewhere(document: Path) -> None:
    """A link names a file of this repository, and a heading that the file has."""
    broken = [
        link
        for link, target, heading in _links(document)
        if not target.exists() or (heading and heading not in _headings(target))
    ]
    assert broken == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    """Directly, or through other documents."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document not in reached and document.exists():
            reached.add(document)
            targets = (target for _, target, _ in _links(document))
            waiting += [target for target in targets if target.suffix == ".md"]
    lost = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")} - reached
    assert sorted(str(path.relative_to(ROOT)) for path in lost) == []


def test_the_readme_is_short() -> None:
    """A visitor reads it to its end. The details are in docs/."""
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= MAX_README_LINES


def test_the_readme_names_commands_that_exist() -> None:
    """The two commands, as files that can be run."""
    readme = (ROOT / "README.md").read_text()
    for command in ("spark-submit.sh", "tests/run"):
        assert command in readme
        assert (ROOT / command).stat().st_mode & 0o111


def _links(document: Path) -> Iterator[tuple[str, Path, str]]:
    """Each link to a file of this repository: its text, the file, and the heading or nothing."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for link in re.findall(r"\]\((?!https?://)([^)\s]+)\)", text):
        path, _, heading = link.partition("#")
        yield link, (document.parent / path).resolve() if path else document, heading


def _headings(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
