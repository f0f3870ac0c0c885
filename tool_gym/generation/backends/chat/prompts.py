"""The prompts: one Markdown file for each stage, a jinja2 template that people read and edit."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from tool_gym.jsonvalue import dumps

_FOLDER = "tool_gym.generation.backends.chat"
_FILES = ("system", "decompose", "document", "integrate", "scale", "deploy", "complaint")


def prompt(name: str, **fields: Any) -> str:
    """A prompt with its fields filled in; in templates the filter `json` writes JSON."""
    return _environment().get_template(name).render(**fields).strip()


@functools.cache
def prompts_digest() -> str:
    """SHA-256 of all prompts; it is kept with what they led to."""
    return hashlib.sha256("\0".join(map(_text, _FILES)).encode()).hexdigest()


@functools.cache
def subjects() -> tuple[str, ...]:
    """What questions are about, where the user gives neither questions nor subjects."""
    return tuple(_text("subjects").split("\n")[:-1])


def _text(name: str) -> str:
    suffix = ".txt" if name == "subjects" else ".md"
    return (resources.files(_FOLDER) / "prompts" / f"{name}{suffix}").read_text(encoding="utf-8")


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_text), undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["json"] = lambda value: dumps(value).decode()
    return environment
