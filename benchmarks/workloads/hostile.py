"""A pack whose tools loop, match without end, eat memory, and kill their process."""

from __future__ import annotations

from pathlib import Path

from tool_gym.packs.reader import Pack
from tool_gym.packs.writer import write_pack
from tool_gym.scenario import Expected, Provenance, Scenario, SubQuestion, Tool, UserTurn
from workloads.schemas import integer, parameters

SOURCES = {
    "loop": "def loop(size):\n    while True:\n        size += 1\n",
    "backtrack": "import re\n\n\ndef backtrack(size):\n    return bool(re.match('(a+)+$', 'a' * (40 + size) + 'b'))\n",
    "bomb": "def bomb(size):\n    rows = []\n    while True:\n        rows.append('x' * 1000000 + str(size))\n",
    "crash": """def crash(size):
    numbers = iter([size])
    for _ in range(1900000):
        numbers = map(abs, numbers)
    return list(numbers)
""",
}
"""By name. What they end as: `timeout` by fuel, `timeout` by the clock, `limit`, `crashed`."""
SCENARIO = "misbehave"


def write_hostile(folder: Path) -> Pack:
    """Writes the pack: one scenario with all of the tools, none of which ever returns its answer."""
    schema = parameters(size=integer(0, 1_000_000, "Makes calls differ."))
    tools = tuple(
        Tool(name=name, description=f"Misbehaves: {name}.", parameters=schema, source=source)
        for name, source in SOURCES.items()
    )
    check = SubQuestion(
        id="never",
        question="What comes back?",
        tools=("loop",),
        arguments={"size": 0},
        expected=Expected(value=-1, kind="number", path=""),
    )
    scenario = Scenario(
        id=SCENARIO,
        turns=(UserTurn(content="Misbehave."),),
        answer=None,
        tools=tools,
        sub_questions=(check,),
        provenance=Provenance(truth="invented", source="benchmark"),
    )
    return write_pack(folder, name="hostile", scenarios=[scenario])
