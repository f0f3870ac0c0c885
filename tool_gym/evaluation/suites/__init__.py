"""Suites: which packs an evaluation plays, what to look at, and what others have published. Each is a TOML file here.

title = "…"            # one line for readers
metric = "…"           # which figures count, and how
source = "…"           # where it comes from
[published]            # figures of others on it
"Qwen2.5-7B" = 25.97

[[pack]]               # one or more
pack = "starter"       # name or folder of a pack; or
import = "ftrl"        # the importer that makes one of the file that the user gives with --data
split = "all"          # `test` where the pack has it, else `all`, by default
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from tool_gym.errors import InputError, UnknownName
from tool_gym.messages import Noun
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack, load_pack
from tool_gym.trajectory import brief

_FOLDER = Path(__file__).parent


class Part(Noun):
    """One pack of a suite.

    Attributes:
        pack: Name or folder, or None where it is imported.
        importer: Name of the importer that makes it, or None.
        split: Split to play, or None for the usual one.
    """

    pack: str | None = None
    importer: str | None = Field(default=None, alias="import")
    split: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Part:
        if (self.pack is None) == (self.importer is None):
            raise ValueError("expected either pack or import")
        return self

    @property
    def name(self) -> str:
        """What the part is called: its pack's name, or its importer's."""
        return Path(self.pack or self.importer or "").name

    def load(self, data: Path | None, out: Path) -> Pack:
        """The pack; what is imported is kept in a folder of its own, and not imported again.

        Args:
            data: The user's file, for importers.
            out: Folder for imported packs.

        Raises:
            InputError: If a file is needed and not given.
        """
        if self.pack is not None:
            return load_pack(self.pack)
        if data is None:
            raise InputError(f"this suite imports {self.importer} records; give their file with --data")
        folder = out / f"{self.importer}-pack"
        if not (folder / "pack.json").is_file():
            import_pack(str(self.importer), source=data, out=folder)
        return load_pack(str(folder))


class Suite(Noun):
    """A suite as its file says it.

    Attributes:
        title: One line for readers.
        metric: Which figures count.
        source: Where it comes from.
        published: Figures of others, by model.
        parts: Its packs.
    """

    title: str
    metric: str
    source: str = ""
    published: dict[str, float] = {}
    parts: tuple[Part, ...] = Field(alias="pack", min_length=1)


def load_suite(name: str) -> Suite:
    """The suite of a name, or of a TOML file of one's own.

    Raises:
        UnknownName: If there is no such suite.
        InputError: If the file is not a suite.
    """
    path = Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"
    if not path.is_file():
        raise UnknownName("suite", name, suites(), "A suite of your own is named as a .toml file.")
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Suite.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{path}: not a suite: {brief(error)}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None


def suites() -> list[str]:
    """Names of the suites that ship."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))
