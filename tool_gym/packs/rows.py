"""The rows of a pack: how a scenario, a tool and a table stand on a line, and the way back.

A scenario's row holds its tools by content hash; a tool's row is `{"sha256", "tool"}`, a table's `{"sha256", "rows"}`
or, where all its rows are objects with the same keys, `{"sha256", "columns", "rows"}` with a list of values for each.
"""

from __future__ import annotations

from collections.abc import Callable

from tool_gym.errors import PackError
from tool_gym.jsonvalue import Json, NotJson, canonical, digest, encode, loads
from tool_gym.packs.files import MAX_ROW_BYTES
from tool_gym.packs.manifest import check_split
from tool_gym.packs.reading import reading
from tool_gym.scenario import Scenario, Tool

_LOCAL = {"tools"}


def scenario_row(scenario: Scenario) -> dict[str, Json]:
    """A scenario as its row; what equals a default is left out."""
    row = scenario.model_dump(exclude=_LOCAL, exclude_defaults=True)
    return {**row, "tools": [tool.digest for tool in scenario.tools]}


def tool_row(tool: Tool) -> dict[str, Json]:
    """A tool as its row; nothing is left out, so that its hash is that of the row's content."""
    return {"sha256": tool.digest, "tool": tool.model_dump()}


def table_row(sha256: str, content: Json) -> dict[str, Json]:
    """A table's content, whose hash is given, as its row; the keys of uniform objects are written once."""
    first = content[0] if isinstance(content, list) and content else None
    columns = list(first) if isinstance(first, dict) else []
    if columns and all(isinstance(each, dict) and list(each) == columns for each in content):
        return {"sha256": sha256, "columns": columns, "rows": [list(each.values()) for each in content]}
    return {"sha256": sha256, "rows": content}


def encode_row(row: dict[str, Json], place: object) -> bytes:
    """A row as one line of JSON, its end included.

    Raises:
        PackError: If the row holds what JSON would change (NaN, a lone surrogate) or cannot hold at all, or is longer
            than a reader takes.
    """
    advice = "a pack holds only JSON data: text, finite numbers, booleans, null, lists, objects"
    try:
        line = encode(row)
        if canonical(loads(line)) != canonical(row):
            raise PackError(f"{place}: a value changes when it is written as JSON; {advice}")
    except (NotJson, ValueError, TypeError, RecursionError) as error:
        raise PackError(f"{place}: {error}; {advice}") from None
    if len(line) > MAX_ROW_BYTES:
        raise PackError(f"{place}: {len(line):,} bytes as JSON; a row has at most {MAX_ROW_BYTES:,}")
    return line + b"\n"


def decode_row(line: bytes, place: object, advice: str = "") -> dict[str, Json]:
    """A line as a JSON object.

    Raises:
        PackError: If it is none.
    """
    with reading(place, advice):
        row = loads(line)
        if not isinstance(row, dict):
            raise ValueError(f"expected a JSON object, got {type(row).__name__}")
        return row


def read_scenario(row: dict[str, Json], tool: Callable[[str], Tool], place: object, advice: str = "") -> Scenario:
    """A row as the scenario.

    Args:
        row: The row.
        tool: Gives the tool with a content hash.
        place: Its text names the row in errors.
        advice: What to do about an error.

    Raises:
        PackError: If it is none, or one of its tools is missing or broken.
    """
    with reading(place, advice):
        hashes = row.get("tools")
        if not isinstance(hashes, list) or not all(isinstance(item, str) for item in hashes):
            raise ValueError("tools: expected a list of content hashes")
        scenario = Scenario.model_validate({**row, "tools": tuple(map(tool, hashes))})
        check_split(scenario.split)
        return scenario


def read_tool(row: dict[str, Json], place: object, advice: str = "") -> Tool:
    """A row as the tool.

    Raises:
        PackError: If it is none, or its content has another hash than the row says.
    """
    with reading(place, advice):
        return Tool.model_validate(_content(row, "tool"))


def read_table(row: dict[str, Json], place: object, advice: str = "") -> Json:
    """A row as the table's content.

    Raises:
        PackError: If it is none, or its content has another hash than the row says.
    """
    with reading(place, advice):
        if row.keys() == {"sha256", "columns", "rows"}:
            columns = row["columns"]
            content = [dict(zip(columns, each, strict=True)) for each in row["rows"]]
            row = {"sha256": row["sha256"], "rows": content}
        return _content(row, "rows")


def _content(row: dict[str, Json], field: str) -> Json:
    """What a row holds under its content hash."""
    if row.keys() != {"sha256", field}:
        raise ValueError(f"expected the keys sha256 and {field}, got {', '.join(sorted(row)) or 'none'}")
    found = digest(row[field])
    if found != row["sha256"]:
        raise ValueError(f"the content has the hash {found}, the row says {row['sha256']!r}")
    return row[field]
