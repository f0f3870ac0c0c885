"""`tool-gym pack new`: the sources of a small pack that builds as it stands, to be rewritten into one's own.

As a project it is an installable package too: the built pack lies in the package `<name>/<name with _>`, which an entry
point names. A bare folder has the sources only.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from tool_gym.errors import InputError
from tool_gym.names import SLUG

_TEMPLATE = files("tool_gym.authoring") / "template"
_SUFFIX = ".in"
_PROJECT_ONLY = "pyproject.toml"


def new_pack(folder: str | Path, *, bare: bool = False) -> list[Path]:
    """Lays out the sources of a pack; all of them appear, or none.

    Args:
        folder: The folder to make; its last part is the pack's name.
        bare: Whether to leave out what makes it an installable package.

    Returns:
        The files, in alphabetical order.

    Raises:
        InputError: If the name cannot be a pack's, or the folder exists and is not empty.
    """
    target = Path(folder).absolute()
    name = target.name
    if not re.fullmatch(SLUG, name) or not name[0].isalpha() or len(name) > 100:
        raise InputError(f"{name!r} cannot be a pack's name; expected at most 100 of a-z, 0-9 and '-', as in my-pack")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{folder}: exists already; choose another name, or remove it first")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{name}-") as part:
        made = Path(part) / name
        _fill(_TEMPLATE, made, _words(name, folder, bare=bare))
        if bare:
            (made / _PROJECT_ONLY).unlink()
        else:
            (made / module_name(name)).mkdir()
            (made / module_name(name) / "__init__.py").write_text('"""Holds a scenario pack; nothing here runs."""\n')
        if target.exists():
            target.rmdir()
        shutil.move(made, target)
    return sorted(path for path in target.rglob("*") if path.is_file())


def built_folder(folder: str | Path) -> Path:
    """Where the pack of some sources is built to unless told otherwise: in the project's package, else `built`."""
    source = Path(folder)
    package = source / module_name(source.absolute().name)
    return package / "pack" if (package / "__init__.py").is_file() else source / "built"


def module_name(name: str) -> str:
    """The package that holds the pack of this name: "my-pack" is in `my_pack`."""
    return name.replace("-", "_")


def _words(name: str, folder: str | Path, *, bare: bool) -> dict[str, str]:
    built = Path(folder) / ("built" if bare else f"{module_name(name)}/pack")
    install = (
        f"TOOL_GYM_PACKS={built} tool-gym packs    # lists it"
        if bare
        else f"pip install ./{name} && tool-gym packs    # installs and lists it"
    )
    return {"name": name, "module": module_name(name), "folder": str(folder), "built": str(built), "install": install}


def _fill(template: Traversable, target: Path, words: dict[str, str]) -> None:
    target.mkdir()
    for item in template.iterdir():
        if item.is_dir():
            _fill(item, target / item.name, words)
        elif item.name.endswith(_SUFFIX):
            text = Template(item.read_text(encoding="utf-8")).substitute(words)
            (target / item.name.removesuffix(_SUFFIX)).write_text(text, encoding="utf-8")
