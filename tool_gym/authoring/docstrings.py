"""Google docstrings: what a tool does, and what each parameter means."""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from typing import NamedTuple

_SECTION = re.compile(r"(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?|Attributes):\s*$")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


class Docstring(NamedTuple):
    """A docstring's parts.

    Attributes:
        description: Everything before the first section; lines of a paragraph are joined.
        parameters: Description of each entry of `Args:`.
    """

    description: str
    parameters: dict[str, str]


def read_docstring(text: str) -> Docstring:
    """Takes a docstring of Google's form apart."""
    lines = inspect.cleandoc(text).splitlines()
    sections = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    parameters: dict[str, str] = {}
    for start, end in pairwise([*sections, len(lines)]):
        if lines[start].startswith("Arg"):
            parameters = _entries(lines[start + 1 : end])
    head = "\n".join(lines[: sections[0]] if sections else lines)
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", head)]
    return Docstring("\n\n".join(filter(None, paragraphs)), parameters)


def _entries(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    name, indent = "", min((_indent(line) for line in lines if line.strip()), default=0)
    for line in lines:
        entry = _ENTRY.match(line.strip())
        if entry and _indent(line) == indent:
            name, entries[entry[1]] = entry[1], entry[2]
        elif name and line.strip():
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
