"""What `DATA` and `STATE` are while an author's `tools.py` runs as plain Python.

In a built pack the sandbox binds both names and the import is dropped. Outside of it they are ordinary containers, so
that linters know them and an author's own tests can fill them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, NotJson, loads


class Tables(dict[str, Any]):
    """Table name -> rows; a table that was not loaded says how to load it."""

    def __missing__(self, name: str) -> NoReturn:
        raise KeyError(
            f"no table {name!r} is loaded; outside a built pack, call DATA.load('<folder of the pack>') first"
        )

    def load(self, folder: str | Path) -> None:
        """Replaces the content by the tables of a pack's sources, `<folder>/tables/*.json`.

        Raises:
            PackError: If a table is not JSON.
        """
        tables = read_tables(Path(folder))
        self.clear()
        self.update(tables)


def read_tables(folder: Path) -> dict[str, Json]:
    """Reads `<folder>/tables/*.json`, in the order of their names; a table is called like its file.

    Raises:
        PackError: If a table is not JSON, or its name cannot stand in `DATA["name"]` of a tool.
    """
    tables = {}
    for path in sorted((folder / "tables").glob("*.json")):
        if not path.stem.isidentifier() or not path.stem[0].isalpha() or not path.stem.isascii():
            raise PackError(f"{path}: a table's name starts with a letter and holds a-z, 0-9, _; rename the file")
        try:
            tables[path.stem] = loads(path.read_bytes())
        except NotJson as error:
            raise PackError(f"{path}: {error}; a table is one JSON value, usually a list of objects") from None
    return tables


DATA = Tables()
"""The pack's tables by name; read-only in a built pack."""
STATE: dict[str, Any] = {}
"""The episode's state, JSON data that tools may change."""
