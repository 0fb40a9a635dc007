"""The folder of the demo's lake: made anew by each demo, and by nothing else deleted."""

import json
import shutil
from pathlib import Path

from jobs.config.settings import Settings
from jobs.errors import LakeError

# What has this file was made by a demo.
SETTINGS_FILE = "demo.toml"
_ZONES = ("raw", "processed", "checkpoints")


def lake_settings(folder: Path) -> list[str]:
    """The lake below `folder`, as `--set` takes it."""
    return [f"lake.{zone}={folder / zone}" for zone in _ZONES]


def make_anew(folder: Path) -> None:
    """Make the folder, without what an earlier demo left in it.

    Raises:
        LakeError: the folder holds something else, or cannot be written.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / SETTINGS_FILE).is_file():
                raise LakeError(
                    f"{folder} is there, and not of the demo: name another folder with --dir"
                )
            for zone in _ZONES:
                shutil.rmtree(folder / zone, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SETTINGS_FILE).write_text("# The demo is under way.\n", encoding="utf-8")
    except OSError as error:
        raise LakeError(f"{folder} cannot be written: {error.strerror}; see --dir") from None


def write_settings(folder: Path, settings: Settings) -> Path:
    """Write what the other commands need to work on this lake: `--config` of the file."""
    sections = {
        "source": {"stream": settings.source.stream, "endpoint_url": settings.source.endpoint_url},
        "lake": {zone: getattr(settings.lake, zone) for zone in _ZONES},
        "once": {
            "window": f"{settings.once.window.total_seconds():.0f} seconds",
            "max_future": f"{settings.once.max_future.total_seconds():.0f} seconds",
        },
    }
    lines = ["# What the demo ran with. Its stream went with it, its lake is still there."]
    for section, keys in sections.items():
        lines += ["", f"[{section}]", *(f"{key} = {_text(value)}" for key, value in keys.items())]
    lines += ["", "[fields]"]
    for field in settings.fields:
        lines.append(f"{field.name} = {{ path = {_text(field.path)}, type = {_text(field.type)} }}")
    file = folder / SETTINGS_FILE
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _text(value: str) -> str:
    """As a TOML string: the same escapes as JSON's."""
    return json.dumps(value, ensure_ascii=False)
