"""The rules of the house: imports go downward, without cycles, lazy ones counted; importing the package stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tool_gym"

FLOORS = [
    {"_version", "errors", "jsonvalue", "locked", "frozen", "messages", "names", "schema", "scenario", "trajectory"},
    {"sandbox", "verify", "parsing", "models", "render", "transcript", "users"},
    {"packs", "perturb", "episode"},
    {"attacks", "candidates", "spaces", "env", "vector", "wrappers", "registration", "authoring"},
    {"cluster", "player", "policies", "rollouts", "serving"},
    {"adapters", "analysis", "training", "gate", "evaluation", "report"},
    {"generation"},
    {"cli", "__main__"},
]
"""Each module or folder of `tool_gym/` by its floor; the front door `__init__` stands above all."""
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
FLOOR["examples"] = len(FLOORS) + 1  # programs as users write them: above the front door


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(module: str) -> set[str]:
    """Modules of the package that a module names in any import statement, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} uses a relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name in MODULES and name != module}


GRAPH = {module: imported(module) for module in MODULES}


def floor(module: str) -> int:
    return len(FLOORS) if module == "tool_gym" else FLOOR[module.split(".")[1]]


def test_every_module_has_a_floor():
    missing = {name.split(".")[1] for name in MODULES if name != "tool_gym"} - FLOOR.keys()
    assert not missing, f"say in tests/test_house.py on which floor these stand: {sorted(missing)}"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "tool_gym"])
def test_imports_go_downward(module):
    upward = {name for name in GRAPH[module] if floor(name) > floor(module)}
    assert not upward, f"{module} imports {sorted(upward)} from a higher floor"


def test_there_are_no_import_cycles():
    done: set[str] = set()
    path: list[str] = []

    def visit(module: str) -> None:
        if module in path:
            pytest.fail("import cycle: " + " -> ".join([*path[path.index(module) :], module]))
        if module in done:
            return
        path.append(module)
        for name in sorted(GRAPH[module]):
            visit(name)
        path.pop()
        done.add(module)

    for module in GRAPH:
        visit(module)
    assert done == MODULES.keys()


def test_importing_the_package_loads_nothing_heavy():
    heavy = ("torch", "transformers", "pydantic", "RestrictedPython")
    code = f"import sys, tool_gym; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented():
    import tool_gym

    for name in tool_gym.__all__:
        value = getattr(tool_gym, name)
        assert isinstance(value, str) or value.__doc__, f"tool_gym.{name} has no docstring"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tool_gym.nothing
