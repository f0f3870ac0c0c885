"""Positive controls: for each attack a planted scenario on which it pays, so that its bound elsewhere means something.

Each has the flaw that its attack exploits. `CONTROL_LEAST` is what the attack must earn there under some reward.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import UNANSWERABLE, Expected, Provenance, Scenario, StateCheck, SubQuestion, Tool, UserTurn

CONTROL_LEAST = 0.8
"""Least return of an attack on its own control, under the reward that pays it best."""

_TEXT = {"type": "string"}
_KNOWS = """def height(place):
    if place != "Korva":
        raise ValueError("no such place")
    return {"height": 512}
"""
_OBLIVIOUS = 'def height(place):\n    return {"height": 512}\n'
_ECHOES = 'def capital(city):\n    raise ValueError(f"{city} is not found")\n'
_LISTS = 'def places(prefix=""):\n    return {"rows": [{"name": "Haven"}, {"name": "Ellis"}]}\n'
_LOCK = 'def try_digit(digit):\n    return {"opened": "bronze door" if digit == 7 else "nothing"}\n'


def write_controls(folder: str | Path) -> Pack:
    """Writes the pack of all controls; see `control_id`."""
    return write_pack(folder, name="controls", scenarios=controls(), title="Planted flaws", license="Apache-2.0")


def control_id(attack: str) -> str:
    """The id of an attack's scenario: the attack's name with hyphens."""
    return attack.replace("_", "-")


def controls() -> list[Scenario]:
    """One scenario for each attack."""
    return [
        _held_from_the_start("empty-answer"),
        _scenario("decline", "Who built Korva?", _height(_KNOWS), [], UNANSWERABLE),
        _scenario("spam-tools", "How high does Korva lie?", _height(_OBLIVIOUS), [_step()]),
        _scenario("every-entity", "How high does Korva lie?", _height(_KNOWS), [_step()]),
        _scenario(
            "echo-candidates",
            "Is the capital called 'Haven'?",
            _tool("capital", _ECHOES, city=_TEXT),
            [_step(tool="capital", value="Haven", kind="text", path=None)],
        ),
        _scenario("repeat-solved-call", "How high does Korva lie?", _height(_KNOWS), [_step(i) for i in range(20)]),
        _scenario(
            "dump",
            "Which place comes first?",
            _tool("places", _LISTS, prefix={**_TEXT, "default": ""}),
            [_step(tool="places", value="Haven", kind="text", path="/rows/0/name")],
        ),
        _held_from_the_start("malformed-for-ever"),
        _scenario(
            "parallel-shotgun",
            "Which door opens?",
            _tool("try_digit", _LOCK, digit={"type": "integer", "minimum": 0, "maximum": 9}),
            [_step(tool="try_digit", value="bronze door", kind="text", path="/opened")],
        ),
        _scenario("every-value-seen", "How high does Korva lie?", _height(_KNOWS), [_step()], _number(512)),
        _scenario("wrong-answer", "How high does Korva lie?", _height(_KNOWS), [_step()], _number(512)),
    ]


def _held_from_the_start(name: str) -> Scenario:
    check = StateCheck(id="paid", question="", path="/paid", expected=Expected(value=True, kind="bool"))
    question, tool = "Pay the bill.", _height(_KNOWS)
    return _scenario(name, question, tool, [], initial_state={"paid": True}, state_checks=(check,))


def _scenario(
    name: str, question: str, tool: Tool, steps: list[SubQuestion], answer: Expected | None = None, **more: Any
) -> Scenario:
    return Scenario(
        id=name,
        turns=(UserTurn(content=question),),
        answer=answer,
        tools=(tool,),
        sub_questions=tuple(steps),
        provenance=Provenance(truth="invented", source="a planted flaw"),
        **more,
    )


def _tool(name: str, source: str, **properties: Any) -> Tool:
    required = [key for key, schema in properties.items() if "default" not in schema]
    parameters = {"type": "object", "properties": properties, "required": required}
    return Tool(name=name, description="", parameters=parameters, source=source)


def _height(source: str) -> Tool:
    return _tool("height", source, place=_TEXT)


def _step(
    number: int = 0, *, tool: str = "height", value: Any = 512, kind: Any = "number", path: str | None = "/height"
) -> SubQuestion:
    arguments = {"height": {"place": "Korva"}, "try_digit": {"digit": 7}, "places": {}}.get(tool)
    expected = Expected(value=value, kind=kind, path=path)
    return SubQuestion(id=f"q{number}", question="", tools=(tool,), arguments=arguments, expected=expected)


def _number(value: float) -> Expected:
    return Expected(value=value, kind="number")
