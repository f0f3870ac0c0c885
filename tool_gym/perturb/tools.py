"""A tool under other names: its document says them, and its source translates them back when it is called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from tool_gym.jsonvalue import Json
from tool_gym.messages import Noun
from tool_gym.scenario import Tool

N = TypeVar("N", bound=Noun)

_PLAIN = {"type", "properties", "required", "additionalProperties", "title", "description"}
_MENTION = re.compile(r"(?<=`)\w+(?=`)|\b[^\W_]\w*_\w+\b")
_ADAPTER = """

def {new}(*values, **given):
    names = {names}
    return {old}(*values, **{{names.get(key, key): each for key, each in given.items() if key not in {added}}})
"""


def changed(noun: N, **fields: Any) -> N:
    """A noun with some fields changed, and checked as a whole."""
    return type(noun)(**{name: getattr(noun, name) for name in type(noun).model_fields} | fields)


def parameter_names(tool: Tool) -> list[str]:
    """The parameters that can be renamed; none where the schema says more about them than which there are."""
    return list(tool.parameters.get("properties") or ()) if tool.parameters.keys() <= _PLAIN else []


def renamed(
    tool: Tool, names: Mapping[str, str], parameters: Mapping[str, str], added: Mapping[str, Json] | None = None
) -> Tool:
    """The tool under new names.

    What it says in errors keeps the old names, as behind a gateway. Descriptions follow the new ones where they quote
    a name, or spell one that has an underscore and so is no common word.

    Args:
        tool: The tool.
        names: For tools of its scenario, by their names, the new ones; this tool's may be among them.
        parameters: For its own parameters, by their names, the new ones.
        added: Schemas of parameters that it requires from now on, whatever they hold.
    """
    added, name = added or {}, names.get(tool.name, tool.name)
    back = {new: old for old, new in parameters.items() if new != old}
    schema = tool.parameters
    properties = {parameters.get(key, key): value for key, value in (schema.get("properties") or {}).items()}
    required = [parameters.get(key, key) for key in schema.get("required") or ()]
    changes = {"properties": {**properties, **added}, "required": [*required, *added]} if back or added else {}
    words = {**names, **parameters}
    same = name == tool.name and not changes
    return Tool(
        name=name,
        description=_reworded(tool.description, words),
        parameters=_described({**schema, **changes}, words),
        source=tool.source if same else _adapted(tool, name, back, added),
        data=tool.data,
    )


def _adapted(tool: Tool, name: str, back: Mapping[str, str], added: Mapping[str, Json]) -> str:
    """The source, with a function of the new name around the tool's own."""
    source, old = f"{tool.source.rstrip()}\n", tool.name
    if name == old:
        old = "_unperturbed"
        source += f"\n\n{old} = {name}\n"
    return source + _ADAPTER.format(old=old, new=name, names=back, added=list(added))


def _described(schema: Json, words: Mapping[str, str]) -> Json:
    """The schema, its descriptions reworded."""
    if isinstance(schema, Mapping):
        return {
            key: _reworded(value, words)
            if key == "description" and isinstance(value, str)
            else _described(value, words)
            for key, value in schema.items()
        }
    return [_described(item, words) for item in schema] if isinstance(schema, (list, tuple)) else schema


def _reworded(text: str, words: Mapping[str, str]) -> str:
    return _MENTION.sub(lambda match: words.get(match.group(), match.group()), text)
