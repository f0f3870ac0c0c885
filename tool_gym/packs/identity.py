"""What can be known of a pack at first sight: that it is one, its format, its name and version.

`import tool_gym` looks at every installed pack in this way, so pydantic is not imported here.
"""

from __future__ import annotations

import re
from pathlib import Path

from tool_gym._version import __version__
from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, NotJson, loads
from tool_gym.names import SLUG
from tool_gym.packs.files import MANIFEST, check_advice, read_small

FORMAT = 1
"""The version of the format on disk that this package reads and writes."""
_NAME = re.compile(SLUG)


def manifest_row(folder: Path) -> dict[str, Json]:
    """Reads `pack.json` as plain data, of which only `format`, `name` and `version` are checked.

    Raises:
        PackError: If the folder holds none, or one that is broken or of another format version.
    """
    path = folder / MANIFEST
    try:
        if not folder.is_dir():
            raise PackError(f"{folder}: no such folder; expected a pack, a folder with {MANIFEST} in it")
        if not path.exists():
            sources = (folder / "pack.toml").is_file()
            advice = f", only a pack's sources; build it: tool-gym pack build {folder}" if sources else ""
            raise PackError(f"{folder}: not a pack: it holds no {MANIFEST}{advice}")
        row = loads(read_small(folder, MANIFEST))
    except (NotJson, OSError, ValueError) as error:
        raise PackError(f"{path}: {error}; {check_advice(folder)}") from None
    if not isinstance(row, dict):
        raise PackError(f"{path}: expected a JSON object, got {type(row).__name__}; {check_advice(folder)}")
    if type(row.get("format")) is not int or row["format"] != FORMAT:
        raise PackError(
            f"{path}: the pack is of format {row.get('format')!r}, tool-gym {__version__} reads format {FORMAT}; "
            "run: pip install -U tool-gym, or build the pack again with this version"
        )
    name, version = row.get("name"), row.get("version")
    if not (isinstance(name, str) and _NAME.fullmatch(name) and len(name) <= 100):
        raise PackError(f"{path}: name is {str(name)[:100]!r}; expected at most 100 of a-z, 0-9 and '-'")
    if type(version) is not int or version < 0:
        raise PackError(f"{path}: version is {str(version)[:100]!r}; expected a number from 0")
    return row
