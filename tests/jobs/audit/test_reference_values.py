"""Schemas that read one value each. Times are tested in test_reference_parser.py."""

from pyspark.sql.types import StringType

from jobs.audit.reference_values import keys_of, schema_of


def test_a_schema_has_the_values_at_its_paths_and_nothing_else() -> None:
    """Two paths may share their beginning."""
    paths = [keys_of(path) for path in ("$.id", "$.detail.kind", "$.detail.items[1].sku")]
    assert paths == [["id"], ["detail", "kind"], ["detail", "items", 1, "sku"]]

    assert schema_of(paths, StringType()).simpleString() == (
        "struct<id:string,detail:struct<kind:string,items:array<struct<sku:string>>>>"
    )
