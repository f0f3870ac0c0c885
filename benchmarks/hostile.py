"""Runs a file of hostile tools through the executor and says which outcomes are accepted.

    python benchmarks/hostile.py FILE [--execution isolated|embedded] [--json]

Each line of the file is `{id, class, code, call: {name, args}, expect: […]}`; `expect` lists the accepted outcomes:
`reject` (refused when loaded), `error` (tool_error or invalid_call), `timeout`, `limit`, `badresult`, `crash`,
`unknown` (invalid_call for a tool that is not declared, or refused), `ok:JSON`, and `same` (equal over two fresh
episodes and a fresh worker). After each, a harmless tool of another pack must still answer.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from tool_gym.errors import ToolRejected
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.executor import Execution, Executor
from tool_gym.scenario import Tool

_OUTCOMES = {
    "tool_error": "error",
    "invalid_call": "error",
    "timeout": "timeout",
    "limit": "limit",
    "bad_result": "badresult",
    "crashed": "crash",
}
_HARMLESS = Tool(name="add", description="", parameters={"type": "object"}, source="def add(a, b):\n    return a + b\n")


def tool_of(case: dict[str, Any]) -> Tool:
    """The tool of a case: it is declared as `f`, whatever the call names."""
    return Tool(name="f", description=case["id"], parameters={"type": "object"}, source=case["code"])


def play(executor: Executor, case: dict[str, Any]) -> ToolMessage | ToolRejected:
    """Loads a case's tool in a fresh session and calls it."""
    call = ToolCall(id="0", name=case["call"]["name"], arguments=case["call"]["args"])
    try:
        return executor.session([tool_of(case)], seed=7, domain=case["id"]).call([call])[0]
    except ToolRejected as rejection:
        return rejection


def outcome(case: dict[str, Any], answer: ToolMessage | ToolRejected) -> str:
    """An answer in the words of the file."""
    if isinstance(answer, ToolRejected):
        return "reject"
    if answer.status == "ok":
        return "ok:" + json.dumps(answer.value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    if answer.status == "invalid_call" and case["call"]["name"] != "f":
        return "unknown"
    return _OUTCOMES[answer.status]


def accepted(case: dict[str, Any], found: str, again: str) -> bool:
    """Whether an outcome, and that of a fresh worker, are among the accepted ones."""
    for wanted in case["expect"]:
        if wanted == "same":
            if found == again:
                return True
        elif wanted.startswith("ok:"):
            if found.startswith("ok:") and json.loads(found[3:]) == json.loads(wanted[3:]):
                return True
        elif wanted == found or (wanted == "unknown" and found == "reject"):
            return True
    return False


def harmless_works(executor: Executor) -> bool:
    """Whether a tool of another pack still answers."""
    session = executor.session([_HARMLESS], domain="harmless")
    return session.call([ToolCall(name="add", arguments={"a": 2, "b": 3})])[0].content == "5"


def run(path: Path, execution: Execution) -> list[dict[str, Any]]:
    """Plays all cases; one row each."""
    rows = []
    with Executor(execution) as executor:
        for line in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            begun = time.perf_counter()
            answer = play(executor, case)
            seconds = time.perf_counter() - begun
            found = again = outcome(case, answer)
            if "same" in case["expect"]:
                outcome_twice = outcome(case, play(executor, case))
                with Executor(execution) as fresh:
                    again = outcome(case, play(fresh, case))
                again = again if outcome_twice == found else outcome_twice
            alive = harmless_works(executor)
            said = str(answer) if isinstance(answer, ToolRejected) else answer.content
            row = {"id": case["id"], "outcome": found[:60], "expect": case["expect"], "seconds": round(seconds, 3)}
            rows.append({**row, "accepted": accepted(case, found, again) and alive, "alive": alive, "said": said[:160]})
    return rows


def main() -> int:
    """Prints a table, or JSON; 1 if any outcome is not accepted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--execution", choices=("isolated", "embedded"), default="isolated")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = run(options.file, options.execution)
    good = sum(row["accepted"] for row in rows)
    if options.json:
        command = shlex.join(["python", "benchmarks/hostile.py", *sys.argv[1:]])
        report = {"command": command, "uid": os.getuid(), "accepted": good, "cases": len(rows), "rows": rows}
        print(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        for row in rows:
            mark = "yes" if row["accepted"] else "NO "
            print(f"{row['id']:24} {mark} {row['seconds']:7.3f} s  {row['outcome']:20} {row['said'][:80]!r}")
        print(f"{good} of {len(rows)} outcomes accepted ({options.execution})")
    return 0 if good == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
