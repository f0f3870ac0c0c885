from pathlib import Path

import pytest

from tool_gym.authoring.functions import read_tools
from tool_gym.errors import PackError

TOOLS = '''"""Ships."""

from __future__ import annotations

import math
import re
from typing import Literal

from tool_gym.authoring import DATA, STATE

Unit = Literal["km", "mi"]
_LIMIT = 3
# How long a mile is.
_MILE, _INCH = 1.609, 0.0254
_UNUSED = 5


def _helper(x):
    """Helps."""
    return _deeper(x) * _MILE


def _deeper(x):
    return math.floor(x)   # odd  spacing is kept


def ship(name: str, unit: Unit = "km", tags: list[str] | None = None) -> dict:
    """Find a ship.

    Args:
        name: Its name.
        unit: Unit of its length.
        tags: What else must hold.
    """
    return {"rows": [row for row in DATA["ships"] if row["name"] == name], "n": _helper(2.5)}


def order(*, count: int) -> int:
    """Order something.

    Args:
        count: How many.
    """
    STATE["n"] = STATE.get("n", 0) + count
    return STATE["n"]


if __name__ == "__main__":
    print(ship("x"))
'''


def _tools(folder: Path, text: str):
    path = folder / "tools.py"
    path.write_text(text, encoding="utf-8")
    return {tool.name: tool for tool in read_tools(path)}


def test_public_functions_are_tools_and_private_ones_are_not(tmp_path):
    assert list(_tools(tmp_path, TOOLS)) == ["ship", "order"]


def test_a_tools_schema_has_types_defaults_descriptions_and_what_is_required(tmp_path):
    tools = _tools(tmp_path, TOOLS)
    assert tools["ship"].description == "Find a ship."
    assert tools["ship"].parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Its name."},
            "unit": {"type": "string", "enum": ["km", "mi"], "description": "Unit of its length.", "default": "km"},
            "tags": {
                "type": ["array", "null"],
                "items": {"type": "string"},
                "description": "What else must hold.",
            },
        },
        "required": ["name"],
        "additionalProperties": False,
    }
    assert tools["order"].parameters["required"] == ["count"]


def test_a_tools_source_holds_exactly_what_it_needs_as_the_author_wrote_it(tmp_path):
    source = _tools(tmp_path, TOOLS)["ship"].source
    assert "return math.floor(x)   # odd  spacing is kept" in source
    assert "# How long a mile is.\n_MILE, _INCH" in source
    for absent in ("_UNUSED", "_LIMIT", "import re", "STATE", "tool_gym", "__main__", "__future__"):
        assert absent not in source


def test_a_tools_source_runs_alone(tmp_path):
    for name, arguments, result in (("ship", {"name": "b"}, {"rows": [{"name": "b"}], "n": 2 * 1.609}),
                                    ("order", {"count": 2}, 3)):  # fmt: skip
        space = {"DATA": {"ships": [{"name": "a"}, {"name": "b"}]}, "STATE": {"n": 1}}
        exec(_tools(tmp_path, TOOLS)[name].source, space)
        assert space[name](**arguments) == result


def test_every_line_of_a_source_knows_its_line_in_the_file(tmp_path):
    tool = _tools(tmp_path, TOOLS)["ship"]
    lines = TOOLS.splitlines()
    source = tool.source.splitlines()
    assert len(source) == len(tool.lines)
    assert all(text == (lines[line - 1] if line else "") for text, line in zip(source, tool.lines, strict=True))


def test_the_tables_of_a_tool_are_those_that_it_and_its_helpers_name(tmp_path):
    text = '''from tool_gym.authoring import DATA
_ALL = [row for row in DATA["b"]]
def _rows():
    return DATA["a"]
def f() -> list:
    """F."""
    return _rows() + _ALL
def g() -> int:
    """G."""
    return 1
'''
    tools = _tools(tmp_path, text)
    assert tuple(tools["f"].tables) == ("a", "b")
    assert tools["g"].tables == {}


def test_two_statements_on_one_line_stay_one_line(tmp_path):
    tool = _tools(tmp_path, 'A = 1; B = 2\n\ndef f() -> int:\n    """F."""\n    return A + B\n')["f"]
    assert tool.source.count("A = 1; B = 2") == 1


def test_a_decorator_and_a_class_travel_with_the_function(tmp_path):
    text = '''import functools
class _Box:
    side = 2
@functools.cache
def _twice(x):
    return 2 * x
def f() -> int:
    """F."""
    return _twice(_Box.side)
'''
    space: dict = {}
    exec(_tools(tmp_path, text)["f"].source, space)
    assert space["f"]() == 4


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def f(x: int):\n    return x\n", 1, "no docstring"),
        ('def f(x):\n    """F.\n\n    Args:\n        x: X.\n    """\n', 1, "no type hint"),
        ('\ndef f(\n    x: int,\n):\n    """F."""\n', 3, "no description"),
        ('def f(x: dict):\n    """F.\n\n    Args:\n        x: X.\n    """\n', 1, "not understood"),
        ('def f(x: int = "a"):\n    """F.\n\n    Args:\n        x: X.\n    """\n', 1, "does not fit the hint"),
        ('N = 3\ndef f(x: int = N):\n    """F.\n\n    Args:\n        x: X.\n    """\n', 2, "written out"),
        ('def f():\n    """F.\n\n    Args:\n        y: Y.\n    """\n', 1, "describe 'y'"),
        ('def f(*x: int):\n    """F."""\n', 1, "*args"),
        ('def f() -> int:\n    """F."""\n\ndef f() -> int:\n    """F."""\n', 4, "defined twice"),
        ('def f() -> int:\n    """F."""\n    return DATA[x]\n', 3, "must be named"),
        ('def f() -> int:\n    """F."""\n    return len(DATA)\n', 3, "only be read by table"),
        ("x = 1\nprint(x)\n", 2, "only imports, functions"),
        ("async def f(): pass\n", 1, "only imports, functions"),
        ("from tool_gym import Scenario\n", 1, "from tool_gym a tool can only"),
        ("from tool_gym.authoring import DATA as D\n", 1, "under these names"),
        ("x = 1\ndef f(:\n", 2, "not Python"),
    ],
)
def test_an_authors_mistake_is_told_with_file_and_line(tmp_path, text, line, words):
    with pytest.raises(PackError) as caught:
        _tools(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 'tools.py'}, line {line}: ")
    assert words in str(caught.value)


def test_a_file_without_a_tool_a_missing_one_and_one_of_other_text_are_refused(tmp_path):
    with pytest.raises(PackError, match="no public function"):
        _tools(tmp_path, "def _f(): pass\n")
    with pytest.raises(PackError, match="no such file"):
        read_tools(tmp_path / "other.py")
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    with pytest.raises(PackError, match="not UTF-8"):
        read_tools(tmp_path / "latin.py")


def test_hostile_nesting_is_an_error_and_not_a_crash(tmp_path):
    with pytest.raises(PackError, match="not Python"):
        _tools(tmp_path, "x = " + "(" * 5000 + ")" * 5000)
