"""Write the documents that are generated from the code. Run it as `make docs`.

docs/configuration.md, conf/reference.toml   all settings, from jobs/config
docs/kinesis-source.md                       the table of options in it, from jobs/sources/kinesis
"""

import re
from pathlib import Path

from jobs.config import configuration_markdown, reference_toml
from jobs.sources.kinesis import options_table

ROOT = Path(__file__).parents[1]
_OPTIONS = re.compile(r"\| option \| default \| meaning \|\n(?:\|.*\n)+")


def main() -> None:
    """Write all of them."""
    (ROOT / "docs/configuration.md").write_text(configuration_markdown(), encoding="utf-8")
    (ROOT / "conf/reference.toml").write_text(reference_toml(), encoding="utf-8")
    source = ROOT / "docs/kinesis-source.md"
    text = source.read_text(encoding="utf-8")
    source.write_text(_OPTIONS.sub(lambda _: f"{options_table()}\n", text), encoding="utf-8")


if __name__ == "__main__":
    main()
