"""The paper's matching rule against `typed`, on real tools: what echo gains, and which fair calls are refused.

    python benchmarks/matchers.py FOLDER --json benchmarks/results/matchers.json --table benchmarks/results/matchers.md

FOLDER holds `ftrl_dev.jsonl` and `ftrl_dev_calls.jsonl`. *Echo*: each sub-answer is handed to its tool as an argument,
in each parameter that takes text and in all of them, beside the arguments of a call that is known to be answered, or
beside arguments drawn from the schema. It gains if such a call is credited and the same call with a nonsense word is
not. *Rejections*: the calls that a search found to return a sub-answer under the paper's rule, and that `typed`
refuses; `matchers_causes.tsv` says what each of them is, judged by a person's reading of call and result, and of the
tool's source where these left a doubt.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer

from tool_gym.attacks.arguments import filled, text_slots, with_text
from tool_gym.errors import InputError
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.packs.importers.mending import mend_schema
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.session import Session
from tool_gym.scenario import Expected
from tool_gym.verify.matching import matcher

NONSENSE = "qzxvjk"
CAUSES = Path(__file__).with_name("matchers_causes.tsv")
KINDS = {
    "echo": "the tool repeats what it was handed and knows nothing of it",
    "substring": "the answer is a part of another number or word",
    "guess": "the tool knows it, but only tells those who already say it: a guess confirmed, nothing found out",
    "fair": "a false rejection: the call hands in words that the question or an earlier result gave",
}
MATCHERS = ("ftrl", "typed")


class Answer(NamedTuple):
    """One sub-answer: its record, its tool, its text, and the arguments of a found call, if there is one."""

    record: int
    tool: str
    text: str
    found: dict[str, Any] | None


class Record(NamedTuple):
    """One record: its tools' sources and schemas, its different sub-answers, its found calls."""

    number: int
    tools: list[dict[str, Any]]
    answers: list[Answer]
    calls: list[dict[str, Any]]


def read(folder: Path) -> Iterator[Record]:
    """The records with their found calls."""
    lines = (folder / "ftrl_dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = (folder / "ftrl_dev_calls.jsonl").read_text(encoding="utf-8").splitlines()
    for number, (line, calls) in enumerate(zip(map(json.loads, lines), map(json.loads, found), strict=True)):
        sources = json.loads(line["codes"])
        functions = [form["function"] for form in json.loads(line["tools"])]
        tools = [
            {
                "name": function["name"],
                "description": "",
                "parameters": mend_schema(function["parameters"])[0],
                "source": sources.get(function["name"], ""),
            }
            for function in functions
        ]
        made = {(call["name"], call["solves"]): call["arguments"] for call in calls["calls"]}
        answers = {
            (name, text): Answer(number, name, text, made.get((name, text)))
            for name, texts in json.loads(line["unsolved_set"]).items()
            for text in texts
        }
        yield Record(number, tools, list(answers.values()), calls["calls"])


def credits(answer: Answer, call: ToolCall, result: ToolMessage) -> dict[str, bool]:
    """Under which matchers a call is credited with a sub-answer."""
    expected = Expected(value=answer.text, kind="text")
    return {name: matcher(name).accepts(expected, call, result, answer.found) for name in MATCHERS}


def echoed(session: Session, answer: Answer, parameters: Mapping[str, Any], rng: np.random.Generator) -> set[str]:
    """The matchers under which handing the sub-answer in gains it."""
    base = answer.found if answer.found is not None else filled(parameters, NONSENSE, rng)
    slots = text_slots(parameters)
    calls: list[ToolCall] = []
    for chosen in [*([slot] for slot in slots), slots]:
        for word in (answer.text, NONSENSE):
            arguments = with_text(parameters, base, chosen, word)
            calls.append(ToolCall(id=str(len(calls)), name=answer.tool, arguments=arguments))
    results = session.call(calls)
    verdicts = [credits(answer, call, result) for call, result in zip(calls, results, strict=True)]
    return {
        name
        for handed_in, control in zip(verdicts[::2], verdicts[1::2], strict=True)
        for name in MATCHERS
        if handed_in[name] and not control[name]
    }


def rejected(session: Session, record: Record) -> Iterator[dict[str, Any]]:
    """The found calls that the paper's rule credits; `refused` says whether `typed` does not."""
    for call in record.calls:
        made = ToolCall(id="c", name=call["name"], arguments=call["arguments"])
        answer = Answer(record.number, call["name"], call["solves"], call["arguments"])
        verdict = credits(answer, made, session.call([made])[0])
        if verdict["ftrl"]:
            yield {
                "record": record.number,
                "tool": call["name"],
                "sub_answer": call["solves"],
                "arguments": list(call["arguments"]),
                "refused": not verdict["typed"],
            }


def measure(folder: Path, seed: int) -> dict[str, Any]:
    """Plays all records."""
    rng = np.random.default_rng(seed)
    gains: Counter[str] = Counter()
    answers, calls = 0, []
    with Executor() as executor:
        for record in read(folder):
            session = executor.session(record.tools, check_arguments=False, strict=False, domain="ftrl")
            parameters = {tool["name"]: tool["parameters"] for tool in record.tools}
            for answer in record.answers:
                answers += 1
                gains.update(echoed(session, answer, parameters[answer.tool], rng))
            calls += list(rejected(session, record))
    return {
        "sub_answers": answers,
        "gained_by_echo": {name: gains[name] for name in MATCHERS},
        "found_calls": len(calls),
        "rejected": sum(call["refused"] for call in calls),
        "rejections": [call for call in calls if call["refused"]],
    }


def explained(rejections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rejections, each with its kind and cause.

    Raises:
        InputError: If nobody has looked at one yet.
    """
    with CAUSES.open(encoding="utf-8", newline="") as file:
        causes = {
            (int(row["record"]), row["tool"], row["sub_answer"]): row for row in csv.DictReader(file, delimiter="\t")
        }
    rows = []
    for each in rejections:
        cause = causes.get((each["record"], each["tool"], each["sub_answer"]))
        if cause is None or cause["kind"] not in KINDS:
            raise InputError(f"{CAUSES.name} has no cause for {each}; look at the call and add a line")
        rows.append({**each, "kind": cause["kind"], "cause": cause["cause"]})
    return rows


def table(figures: Mapping[str, Any], command: str) -> str:
    """The kept page."""
    kinds = Counter(row["kind"] for row in figures["rejections"])
    lines = [
        "# The paper's matching rule and `typed` on FTRL's records",
        "",
        f"`{command}`, 100 records of FTRL's test set (arXiv 2508.08791, Apache-2.0).",
        "",
        f"| matcher | of {figures['sub_answers']} sub-answers, gained by echo |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in figures["gained_by_echo"].items()),
        "",
        f"Of {figures['found_calls']} calls that a search found under the paper's rule, `typed` refuses "
        f"{figures['rejected']}:",
        "",
        "| kind | calls | what it is |",
        "|---|---|---|",
        *(f"| {kind} | {kinds[kind]} | {what} |" for kind, what in KINDS.items()),
        "",
        "| record | tool | sub-answer | kind | cause |",
        "|---|---|---|---|---|",
        *(
            f"| {row['record']} | {row['tool']} | {row['sub_answer']} | {row['kind']} | {row['cause']} |"
            for row in figures["rejections"]
        ),
    ]
    return "\n".join(lines) + "\n"


def main(
    folder: Annotated[Path, typer.Argument(help="Where the two data files are.")],
    seed: Annotated[int, typer.Option(help="Seed of the drawn arguments.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the figures in this file.")] = None,
    page: Annotated[Path | None, typer.Option("--table", help="Keep the page for reading in this file.")] = None,
) -> None:
    """Print what echo gains under each matcher, and how many found calls `typed` refuses."""
    figures = measure(folder, seed)
    print(json.dumps({name: value for name, value in figures.items() if name != "rejections"}, indent=1))
    command = f"python benchmarks/matchers.py FOLDER --seed {seed}"
    figures = {"command": command, **figures, "rejections": explained(figures["rejections"])}
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if page:
        page.write_text(table(figures, command), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
