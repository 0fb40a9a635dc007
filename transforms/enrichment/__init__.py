"""Add columns that are derived from an event. One file per enrichment."""

from transforms.enrichment.event_names import Subtype, with_event_parts
from transforms.enrichment.lateness import with_lateness
from transforms.enrichment.promoted_fields import FIELD_TYPES, Field, field_roots, with_fields

__all__ = [
    "FIELD_TYPES",
    "Field",
    "Subtype",
    "field_roots",
    "with_event_parts",
    "with_fields",
    "with_lateness",
]
