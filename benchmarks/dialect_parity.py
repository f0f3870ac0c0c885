"""Do real tools behave in the dialect as under plain `exec`? Compares them call by call.

    python benchmarks/dialect_parity.py FOLDER [--sampled 3] [--json]

FOLDER holds `ftrl_dev.jsonl`, `ftrl_dev_calls.jsonl` and `toolhop_dev.jsonl`. Recorded calls are replayed; every tool
is also called with arguments sampled from its schema. The plain side executes the source in one namespace, in another
process with a time limit. A call is alike when both sides give the same status and the same bytes.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tool_gym.jsonvalue import digest, dumps
from tool_gym.sandbox.runtime import Runtime
from tool_gym.schema import sample_arguments

PLAIN = r"""
import contextlib, io, json, signal, sys
from tool_gym.jsonvalue import NotJson, encode

def late(*_):
    raise TimeoutError("too late")

def play(name, source, arguments):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            namespace = {"__name__": "tool"}
            exec(source, namespace)
            value = namespace[name](**arguments)
    except BaseException as error:
        text = str(error)
        kind = type(error).__name__
        return "tool_error", (f"{kind}: {text}" if text else kind) if not text or isinstance(error, KeyError) else text
    try:
        return "ok", encode(value).decode()
    except NotJson:
        return "bad_result", ""

sys.stdin, requests = open("/dev/null"), sys.stdin
signal.signal(signal.SIGALRM, late)
for line in requests:
    name, source, arguments = json.loads(line)
    signal.alarm(5)
    answer = play(name, source, arguments)
    signal.alarm(0)
    print(json.dumps(answer), flush=True)
"""


class Call(NamedTuple):
    """One call to compare."""

    suite: str
    kind: str
    name: str
    source: str
    arguments: dict[str, Any]


def ftrl_calls(folder: Path, sampled: int, rng: np.random.Generator) -> Iterator[Call]:
    """Recorded and sampled calls of FTRL's tools."""
    records = [json.loads(line) for line in (folder / "ftrl_dev.jsonl").open()]
    recorded = [json.loads(line) for line in (folder / "ftrl_dev_calls.jsonl").open()]
    for record, calls in zip(records, recorded, strict=True):
        sources = json.loads(record["codes"])
        for call in calls["calls"]:
            yield Call("ftrl", "recorded", call["name"], sources[call["name"]], call["arguments"])
        for tool in json.loads(record["tools"]):
            name, parameters = tool["function"]["name"], tool["function"]["parameters"]
            if name in sources:
                for _ in range(sampled):
                    yield Call("ftrl", "sampled", name, sources[name], sample_arguments(parameters, rng))


def toolhop_calls(folder: Path, sampled: int, rng: np.random.Generator) -> Iterator[Call]:
    """Sampled calls of ToolHop's tools."""
    for line in (folder / "toolhop_dev.jsonl").open():
        item = json.loads(line)
        sources = {name: source for source in item["functions"] for name in defined_names(source)}
        for tool in item["tools"].values():
            if source := sources.get(tool["name"]):
                for _ in range(sampled):
                    arguments = sample_arguments(tool["parameters"], rng)
                    yield Call("toolhop", "sampled", tool["name"], source, arguments)


def defined_names(source: str) -> list[str]:
    """Functions that a source defines at module level; none if it is not Python."""
    try:
        return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        return []


def plain_answers(calls: list[Call], hash_seed: int) -> list[tuple[str, str]]:
    """What the calls give under plain `exec`."""
    lines = "".join(json.dumps([call.name, call.source, call.arguments]) + "\n" for call in calls)
    done = subprocess.run(
        [sys.executable, "-c", PLAIN], input=lines, capture_output=True, text=True, timeout=600, check=True,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )  # fmt: skip
    return [(status, text) for status, text in map(json.loads, done.stdout.splitlines())]


def compare(calls: list[Call]) -> dict[str, Any]:
    """Counts of like and unlike calls and tools, and every difference."""
    runtime = Runtime()
    tools: dict[str, Counter[str]] = {suite: Counter() for suite in dict.fromkeys(call.suite for call in calls)}
    counts: dict[tuple[str, str], Counter[str]] = {}
    differences, refused, most = [], {}, 0
    unlike: set[tuple[str, str]] = set()
    for call, plain, again in zip(calls, plain_answers(calls, 0), plain_answers(calls, 1), strict=True):
        key = digest([call.name, call.source])
        if not runtime.has_source(key):
            runtime.add_source(key, call.name, call.source, {})
            rejection = runtime.check(key)
            tools[call.suite]["tools"] += 1
            tools[call.suite]["loaded"] += rejection is None
            if rejection:
                refused[f"{call.suite}: {call.name}"] = f"line {rejection.line}: {rejection.reason}"
        outcome = runtime.run(key, dumps(call.arguments), bytes(32))
        most = max(most, runtime.steps())
        ours = (outcome.status, outcome.payload.decode() if outcome.status != "bad_result" else "")
        count = counts.setdefault((call.suite, call.kind), Counter())
        if plain != again:  # text hashed into a set: plain exec does not agree with itself
            count["vary"] += 1
            continue
        count["calls"] += 1
        count["alike"] += ours == plain
        count["ok"] += plain[0] == "ok"
        if ours != plain:
            unlike.add((call.suite, key))
            differences.append({"tool": call.name, "arguments": call.arguments, "plain": plain, "dialect": ours})
    rows = {suite: dict(count) | {"unlike": sum(s == suite for s, _ in unlike)} for suite, count in tools.items()}
    return {
        "tools": rows,
        "calls": {f"{suite} {kind}": dict(count) for (suite, kind), count in counts.items()},
        "most_steps": most,
        "refused": refused,
        "differences": differences,
    }


def measure(folder: Path, sampled: int, seed: int) -> dict[str, Any]:
    """Compares all calls of the three files."""
    rng = np.random.default_rng(seed)
    return compare([*ftrl_calls(folder, sampled, rng), *toolhop_calls(folder, sampled, rng)])


def main(
    folder: Annotated[Path, typer.Argument(help="Where the three data files are.")],
    sampled: Annotated[int, typer.Option(help="Sampled calls per tool.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the sampled arguments.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    found = measure(folder, sampled, seed)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    table = Table("suite", "calls", "ok under plain exec", "alike", "%", "vary under plain exec")
    for name, count in found["calls"].items():
        share = 100 * count["alike"] / count["calls"]
        table.add_row(
            name, str(count["calls"]), str(count["ok"]), str(count["alike"]), f"{share:.2f}", str(count.get("vary", 0))
        )
    console = Console()
    console.print(table)
    for suite, count in found["tools"].items():
        alike = count["tools"] - count["unlike"]
        console.print(f"{suite}: {count['tools']} sources, {count['loaded']} load, {alike} alike in every call")
    console.print(f"most steps of a call: {found['most_steps']:,}")
    for name, reason in found["refused"].items():
        console.print(f"refused {name}: {reason}", markup=False)
    for difference in found["differences"]:
        console.print(f"differs {json.dumps(difference, ensure_ascii=False)[:600]}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
