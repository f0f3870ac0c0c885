"""A folder in the form of tau-bench's repository, of our own: a tea shop and a ferry line. It stands in for it."""

import json
from pathlib import Path
from textwrap import dedent, indent

TOOL = """
    import abc
    from typing import Any


    class Tool(abc.ABC):
        @staticmethod
        def invoke(*args, **kwargs):
            raise NotImplementedError

        @staticmethod
        def get_info() -> dict[str, Any]:
            raise NotImplementedError
"""
ORDERS = {
    "#1": {"order_id": "#1", "user_id": "ida", "status": "pending", "total": 12, "items": ["mug"]},
    "#2": {"order_id": "#2", "user_id": "ida", "status": "delivered", "total": 7.5, "items": ["tea", "pot"]},
    "#3": {"order_id": "#3", "user_id": "ola", "status": "pending", "total": 3, "items": []},
}
USERS = {"ida": {"name": "Ida", "balance": 5}, "ola": {"name": "Ola", "balance": 0.5}}
SAILINGS = {"F1": {"to": "Utö", "seats": 2}, "F2": {"to": "Sandö", "seats": 1}}
RETAIL = {
    "GetOrder": ("get_order", "order_id", "return json.dumps(data['orders'][order_id])"),
    "CancelOrder": (
        "cancel_order",
        "order_id",
        """
        order = data["orders"][order_id]
        if order["status"] != "pending":
            return "Error: it is not pending"
        order["status"] = "cancelled"
        data["users"][order["user_id"]]["balance"] += order["total"]
        return json.dumps(order)
        """,
    ),
    "ForgetOrder": ("forget_order", "order_id", "return 'forgotten' if data['orders'].pop(order_id) else ''"),
    "ListOrders": ("list_orders", "", "return json.dumps(list(data['orders']))"),
    "TouchBalance": (
        "touch_balance",
        "user_id",
        """
        data["users"][user_id]["balance"] *= 1.0
        raise ValueError("touched, and broken")
        """,
    ),
    "TransferToHumanAgents": ("transfer_to_human_agents", "summary", "return 'Transfer successful'"),
}
AIRLINE = {
    "Book": (
        "book",
        "sailing",
        """
        data["sailings"][sailing]["seats"] -= 1
        data["tickets"][f"T{len(data['tickets']) + 1}"] = {"sailing": sailing}
        """,
    ),
    "TransferToHumanAgents": RETAIL["TransferToHumanAgents"],
}
RETAIL_TASKS = """
    from tau_bench.types import Action, Task

    TASKS_TEST = [
        Task(
            annotator="0",
            user_id="ida",
            instruction="You are Ida. You want to cancel order #1, and to know your balance after that.",
            actions=[
                Action(name="get_order", kwargs={"order_id": "#1"}),
                Action(name="cancel_order", kwargs={"order_id": "#1"}),
            ],
            outputs=["17", "mug"],
        ),
        Task(
            annotator="0",
            user_id="ida",
            instruction="You are Ida. You want to cancel order #2, and otherwise a human.",
            actions=[
                Action(name="transfer_to_human_agents", kwargs={"summary": "not pending"}),
                Action(name="cancel_order", kwargs={"order_id": "#2"}),
                Action(name="respond", kwargs={"content": "I am sorry."}),
                Action(name="dance", kwargs={}),
            ],
            outputs=[],
        ),
        Task(
            annotator="0",
            user_id="ola",
            instruction="You are Ola. Nothing is to be left of order #3.",
            actions=[
                Action(name="forget_order", kwargs={"order_id": "#3"}),
                Action(name="touch_balance", kwargs={"user_id": "ida"}),
                Action(name="list_orders", kwargs={}),
            ],
            outputs=[],
        ),
    ]
"""
AIRLINE_TASKS = """
    from tau_bench.types import Action, Task

    TASKS = [
        Task(
            annotator="0",
            user_id="ida",
            instruction="You want two seats to Utö.",
            actions=[Action(name="book", kwargs={"sailing": "F1"}), Action(name="book", kwargs={"sailing": "F1"})],
            outputs=[],
        ),
    ]
"""


def make_repository(folder: Path) -> Path:
    """Writes the repository into a folder and returns its path."""
    envs = folder / "tau-bench" / "tau_bench" / "envs"
    envs.mkdir(parents=True)
    (envs / "tool.py").write_text(dedent(TOOL))
    _domain(envs / "retail", {"orders": ORDERS, "users": USERS}, RETAIL, RETAIL_TASKS)
    _domain(envs / "airline", {"sailings": SAILINGS, "tickets": {}}, AIRLINE, AIRLINE_TASKS)
    return folder / "tau-bench"


def _domain(folder: Path, tables: dict, tools: dict, tasks: str) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "tools").mkdir()
    for name, rows in tables.items():
        (folder / "data" / f"{name}.json").write_text(json.dumps(rows))
    (folder / "data" / "__init__.py").write_text("")
    for cls, (name, parameter, body) in tools.items():
        (folder / "tools" / f"{name}.py").write_text(_source(cls, name, parameter, body))
    imports = [f"from .{name} import {cls}" for cls, (name, _, _) in tools.items()]
    listed = f"ALL_TOOLS = [{', '.join(tools)}]"
    (folder / "tools" / "__init__.py").write_text("\n".join([*imports, "", listed, ""]))
    (folder / "tasks_test.py").write_text(dedent(tasks))
    (folder / "wiki.md").write_text(f"# {folder.name}\n\nBe polite.\n")


def _source(cls: str, name: str, parameter: str, body: str) -> str:
    properties = {parameter: {"type": "string", "description": "Which."}} if parameter else {}
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    info = {"type": "function", "function": {"name": name, "description": f"{cls}.", "parameters": parameters}}
    arguments = ", ".join(filter(None, ["data", parameter]))
    lines = [
        "import json",
        "from tau_bench.envs.tool import Tool",
        "",
        "",
        f"class {cls}(Tool):",
        "    @staticmethod",
        f"    def invoke({arguments}):",
        indent(dedent(body).strip(), " " * 8),
        "",
        "    @staticmethod",
        "    def get_info():",
        f"        return {info!r}",
        "",
    ]
    return "\n".join(lines)
