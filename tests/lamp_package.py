"""A package in the form of `bfcl-eval`, of our own: two small classes, and tasks for both importers."""

import json
from pathlib import Path
from textwrap import dedent

LAMP = """
    import random
    from copy import deepcopy
    from datetime import datetime

    from bfcl_eval.eval_checker.multi_turn_eval.func_source_code.long_context import EXTRA

    DEFAULT_STATE = {"rooms": {}}


    class Room:
        def __init__(self, name, parent):
            self.name, self.parent, self.lit = name, parent, False

        def __eq__(self, other):
            return (self.name, self.lit) == (other.name, other.lit)


    class LampAPI:
        def _load_scenario(self, scenario, long_context=False):
            self.rooms = {name: Room(name, self) for name in scenario.get("rooms", deepcopy(DEFAULT_STATE)["rooms"])}
            self.log = list(EXTRA) if long_context else []
            self._random = random.Random(scenario.get("seed", 1))
            self._changed = datetime.now()

        def light(self, room: str, on: bool = True):
            if room not in self.rooms:
                return {"error": "no such room"}
            self.rooms[room].lit = on
            self._changed = datetime.now()
            return {"room": room, "on": on}

        def lit(self):
            return [name for name, room in self.rooms.items() if room.lit]

        def ticket(self):
            number = self._random.randint(1, 10**9)
            self.log.append(number)
            return {"number": number}

        def fail(self):
            self.log.append("half")
            raise ValueError("this lamp is broken")
"""
COUNT = """
    class CountAPI:
        def add(self, a: float, b: float):
            return {"sum": a + b}
"""
TASKS = [
    {
        "id": "multi_turn_base_0",
        "turns": ["Light the hall.", "Is anything lit?", "A ticket, then dark."],
        "gold": [["light('hall')"], ["lit()"], ["ticket()", "light(room='hall', on=False)", "light(room='hall')"]],
    },
    {
        "id": "multi_turn_base_1",
        "turns": ["Hello.", "Sum 1 and 2, twice."],
        "gold": [[], ["add(1, 2)", "add(1, 2)"]],
        "classes": ["CountAPI", "LampAPI"],
    },
]
LATER = [
    {
        "id": "multi_turn_miss_func_0",
        "turns": ["Light the hall.", None],
        "gold": [[], ["light('hall')"]],
        "missed_function": {"1": ["light"]},
    },
    {
        "id": "multi_turn_miss_func_1",
        "turns": ["Is anything lit?", None],
        "gold": [["lit()"], ["light('hall')"]],
        "missed_function": {"1": ["lit", "light"]},
    },
]


def _function(name: str, *required: str, **kinds: str) -> dict:
    properties = {key: {"type": kind, "description": key} for key, kind in kinds.items()}
    return {
        "name": name,
        "description": f"{name} it",
        "parameters": {"type": "dict", "properties": properties, "required": list(required)},
    }


DOCS = {
    "lamp": [
        _function("light", "room", room="string", on="boolean"),
        _function("lit"),
        _function("ticket"),
        _function("fail"),
    ],
    "count": [_function("add", "a", "b", a="float", b="float")],
}
SINGLE = {
    "simple_python": (
        [_function("area.of", "base", base="float", unit="string", sides="array")],
        [{"area.of": {"base": [10.0], "unit": ["cm", ""], "sides": [[3, 4], ""]}}],
    ),
    "parallel": (
        [_function("play", "artist", artist="string", minutes="integer")],
        [{"play": {"artist": ["Nina Simone"], "minutes": [20]}}, {"play": {"artist": ["Abba"], "minutes": [15]}}],
    ),
    "irrelevance": ([_function("play", "artist", artist="string")], None),
}


def make_package(folder: Path) -> Path:
    """Writes the package; returns its folder."""
    package = folder / "bfcl_eval"
    sources = package / "eval_checker/multi_turn_eval/func_source_code"
    modules = {"lamp": LAMP, "count": COUNT, "long_context": "    EXTRA = ['old']\n", "__init__": "", "web_search": ""}
    for name, text in modules.items():
        _write(sources / f"{name}.py", dedent(text))
    _write(
        package / "constants/default_prompts.py",
        'OTHER = 1\nDEFAULT_USER_PROMPT_FOR_ADDITIONAL_FUNCTION_FC = (\n    "Now you can. Well?"\n)\nMORE = (2)\n',
    )
    for name, docs in DOCS.items():
        _lines(package / f"data/multi_turn_func_doc/{name}.json", docs)
    for category in ("base", "miss_func", "miss_param", "long_context"):
        tasks = {"base": TASKS, "miss_func": LATER}.get(category, [{**TASKS[0], "id": f"multi_turn_{category}_0"}])
        _lines(package / f"data/BFCL_v4_multi_turn_{category}.json", map(_task, tasks))
        answers = [{"id": task["id"], "ground_truth": task["gold"]} for task in tasks]
        _lines(package / f"data/possible_answer/BFCL_v4_multi_turn_{category}.json", answers)
    _write_single(package / "data")
    return package


def _task(task: dict) -> dict:
    return {
        "id": task["id"],
        "question": [[{"role": "user", "content": said}] if said else [] for said in task["turns"]],
        "initial_config": {"LampAPI": {"rooms": ["hall", "cellar"], "seed": 5}},
        "involved_classes": task.get("classes", ["LampAPI"]),
        "missed_function": task.get("missed_function", {}),
    }


def _write_single(data: Path) -> None:
    from tool_gym.packs.importers.bfcl_single import CATEGORIES

    for category in CATEGORIES:
        functions, answers = SINGLE.get(category, ([], None))
        task = {"id": f"{category}_0", "question": [[{"role": "user", "content": "Do."}]], "function": functions}
        _lines(data / f"BFCL_v4_{category}.json", [task])
        if "irrelevance" not in category:
            _lines(
                data / f"possible_answer/BFCL_v4_{category}.json", [{"id": task["id"], "ground_truth": answers or []}]
            )


def _lines(file: Path, rows) -> None:
    _write(file, "".join(json.dumps(row) + "\n" for row in rows))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
