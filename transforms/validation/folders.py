"""Whether a name can be that of a folder: each event name is one, `event_name=payment%3Aorder`."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from transforms.columns import EVENT_NAME

# Linux, macOS, HDFS and Windows limit one part of a path to 255 bytes or characters.
MAX_FOLDER_BYTES = 255

_PREFIX_BYTES = len(f"{EVENT_NAME}=")
# Spark writes each of these as three characters (`ExternalCatalogUtils.escapePathName`).
_NOT_ESCAPED = r"""[^\x01-\x1f"#%'*/:=?\\\x7f{\[\]^]"""
# Hive's name for the partition of null: an event of this name would be read back without a name.
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def is_folder_name(name: Column) -> Column:
    """True if a partition can have this name: its folder is short enough and can be created."""
    fits_escaped = F.octet_length(name) * 3 + _PREFIX_BYTES <= MAX_FOLDER_BYTES
    fits = fits_escaped | (folder_bytes(name) <= MAX_FOLDER_BYTES)
    # Spark does not escape NUL, and no file system has it in a name.
    return fits & (name != _NULL_PARTITION) & ~name.contains("\0")


def folder_bytes(name: Column) -> Column:
    """The bytes of the folder of a name: `a:b` -> 16, because it is `event_name=a%3Ab`."""
    escaped = F.length(F.regexp_replace(name, _NOT_ESCAPED, F.lit("")))
    return F.octet_length(name) + escaped * 2 + _PREFIX_BYTES
