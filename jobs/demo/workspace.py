"""The folder of the demo's lake. Each demo clears it, and nothing else is deleted."""

import json
import shutil
from pathlib import Path

from jobs.config import Lake, Settings, format_duration
from jobs.errors import LakeError

# Only a folder with this file was made by a demo.
SETTINGS_FILE = "demo.toml"
_ZONES = ("raw", "processed", "checkpoints")


def lake_in(folder: Path) -> Lake:
    """The lake below `folder`."""
    raw, processed, checkpoints = (str(folder / zone) for zone in _ZONES)
    return Lake(raw=raw, processed=processed, checkpoints=checkpoints)


def clear_workspace(folder: Path) -> None:
    """Create the folder, and delete what an earlier demo left in it.

    Raises:
        LakeError: the folder contains something else, or cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / SETTINGS_FILE).is_file():
                raise LakeError(
                    f"{folder} exists, and no demo created it. Name another folder with --dir"
                )
            for zone in _ZONES:
                shutil.rmtree(folder / zone, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).write_text("# The demo is running.\n", encoding="utf-8")
    except OSError as error:
        raise LakeError(f"{folder} cannot be written: {error.strerror}; see --dir") from None


def write_settings(folder: Path, settings: Settings) -> Path:
    """Write the `--config` file with which other commands work on this lake. Return its path."""
    source, once = settings.source, settings.once
    sections = {
        "source": {"stream": source.stream, "endpoint_url": source.endpoint_url},
        "lake": {zone: getattr(settings.lake, zone) for zone in _ZONES},
        "once": {
            "window": format_duration(once.window),
            "max_future": format_duration(once.max_future),
        },
    }
    lines = ["# The settings of the demo. Its stream is gone; its lake is still there."]
    for section, keys in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {_text(value)}" for key, value in keys.items())]
    lines += ["", "[fields]"]
    for field in settings.fields:
        lines.append(f"{field.name} = {{ path = {_text(field.path)}, type = {_text(field.type)} }}")
    file = folder / SETTINGS_FILE
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _text(value: str) -> str:
    """A TOML string. Its escapes are those of JSON."""
    return json.dumps(value, ensure_ascii=False)
