"""Scenarios to test with: small, of every structure, with user turns, state, tables and many languages."""

from tool_gym.jsonvalue import digest
from tool_gym.scenario import (
    Expected,
    Provenance,
    Scenario,
    StateCheck,
    SubQuestion,
    TableRef,
    Tool,
    UserTurn,
)

PLACES = [
    {"name": "Ålund", "people": 5120, "river": "Vesna"},
    {"name": "北门", "people": 880, "river": "白河"},
    {"name": "مرسى", "people": 64, "river": "وادي"},
    {"name": "Korva 🙂", "people": 2071, "river": "Vesna"},
]
TABLES = {digest(PLACES): PLACES}
_TEXT = {"type": "string"}

PEOPLE = Tool(
    name="population",
    description="How many people live in a town.",
    parameters={"type": "object", "properties": {"town": _TEXT}, "required": ["town"], "additionalProperties": False},
    source="""def population(town):
    for place in DATA["places"]:
        if place["name"] == town:
            return {"town": town, "people": place["people"]}
    raise ValueError(f"no town is called {town!r}")
""",
    data=(TableRef(name="places", sha256=digest(PLACES)),),
)
RIVER = Tool(
    name="river_of",
    description="The river that a town lies on.",
    parameters={"type": "object", "properties": {"town": _TEXT}, "required": ["town"]},
    source="""def river_of(town):
    return {place["name"]: place["river"] for place in DATA["places"]}.get(town, "unknown")
""",
    data=(TableRef(name="places", sha256=digest(PLACES)),),
)
ADD = Tool(
    name="add",
    description="Adds numbers.",
    parameters={
        "type": "object",
        "properties": {"numbers": {"type": "array", "items": {"type": "number"}}, "precision": {"type": "integer"}},
        "required": ["numbers"],
    },
    source="def add(numbers, precision=2):\n    return round(sum(numbers), precision)\n",
)
ORDER = Tool(
    name="order",
    description="Puts an item on the list.",
    parameters={"type": "object", "properties": {"item": _TEXT}, "required": ["item"]},
    source="""def order(item):
    STATE["items"].append(item)
    if item == "nothing":
        raise ValueError("nothing cannot be ordered")
    return {"count": len(STATE["items"])}
""",
)
DICE = Tool(
    name="dice",
    description="Throws a die.",
    parameters={"type": "object", "properties": {}},
    source="import random\n\ndef dice():\n    return random.randint(1, 1000000)\n",
)
SLOW = Tool(
    name="slow",
    description="Never ends.",
    parameters={"type": "object", "properties": {}},
    source="def slow():\n    while True:\n        pass\n",
)
BROKEN = Tool(name="broken", description="Does not load.", parameters={"type": "object"}, source="def broken(:\n")

INVENTED = Provenance(truth="invented", source="the tests")


def people(name: str, town: str, count: int, *needs: str) -> SubQuestion:
    return SubQuestion(
        id=name,
        question=f"How many people live in {town}?",
        tools=("population",),
        arguments={"town": town},
        expected=Expected(value=count, kind="number", path="/people"),
        depends_on=needs,
    )


def total(name: str, numbers: list[int], *needs: str) -> SubQuestion:
    return SubQuestion(
        id=name,
        question="What is their sum?",
        tools=("add",),
        arguments={"numbers": numbers},
        expected=Expected(value=sum(numbers), kind="number", path=""),
        depends_on=needs,
    )


def _scenario(identity: str, question: str, answer: int | str, *steps: SubQuestion, **changes: object) -> Scenario:
    fields = {
        "id": identity,
        "turns": (UserTurn(content=question),),
        "answer": Expected(value=answer, kind="number" if isinstance(answer, int) else "text"),
        "tools": (PEOPLE, RIVER, ADD, DICE, BROKEN),
        "sub_questions": steps,
        "provenance": INVENTED,
    }
    return Scenario.model_validate({**fields, **changes})


SINGLE = _scenario(
    "single-1",
    "How many people live in 北门?",
    880,
    people("a", "北门", 880),
    tools=(PEOPLE, RIVER, ADD, DICE, SLOW, BROKEN),
)
PARALLEL = _scenario(
    "parallel-1", "Ålund و مرسى: which has more people?", "Ålund", people("a", "Ålund", 5120), people("b", "مرسى", 64)
)
MULTI = _scenario(
    "multi-1",
    "How many people live in Korva 🙂, and how many if 100 come?",
    2171,
    people("a", "Korva 🙂", 2071),
    total("b", [2071, 100], "a"),
    split="test",
)
JOINED = _scenario(
    "joined-1",
    "How many people live in Ålund and 北门 together?",
    6000,
    people("a", "Ålund", 5120),
    people("b", "北门", 880),
    total("c", [5120, 880], "a", "b"),
    split="test",
)
STATEFUL = _scenario(
    "stateful-1",
    "Put bread and salt on the list.",
    2,
    tools=(ORDER, ADD),
    state_checks=(
        StateCheck(id="s", question="both?", path="/items", expected=Expected(value=["bread", "salt"], kind="list")),
    ),
    initial_state={"items": []},
)
TURNS = _scenario(
    "turns-1",
    "How many people live in Ålund?",
    5220,
    people("a", "Ålund", 5120),
    total("b", [5120, 100], "a"),
    turns=(
        UserTurn(content="How many people live in Ålund?"),
        UserTurn(content="And if a hundred come?", add_tools=("add",)),
    ),
)
SCENARIOS = (SINGLE, PARALLEL, MULTI, JOINED, STATEFUL, TURNS)
