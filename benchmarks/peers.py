"""What others do with the same calls: the naive way of the paper's released code, and GEM's tool wrapper."""

from __future__ import annotations

import importlib.util
import json
import re
import threading
from collections.abc import Sequence
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

from ways import Seeded, Timing, WrongResult, chat_actions, check_results
from workloads.plays import Play, Step, Workload

_TIME_LIMIT_S = 10.0


class Naive:
    """Executes the tool's text anew at each call, in a thread that is waited for; credits substrings of the result.

    No schema, no isolation; the reward of a turn is 2 * solved / (calls + 1).
    """

    name = "naive: exec per call"
    calls_per_step = 1

    def __init__(self, workload: Workload) -> None:
        self._sources = {kind.name: kind.source for kind in workload.kinds}

    def run(self, plays: Sequence[Seeded]) -> Timing:
        work = [(play.scenario.question, _answers(play), chat_actions(play, 1)) for play, _ in plays]
        ends, reset_s = [], 0.0
        begun, used = perf_counter(), process_time()
        for question, answers, actions in work:
            resetting = perf_counter()
            messages: list[dict[str, Any]] = [{"role": "user", "content": question}]
            unsolved = list(answers)
            reset_s += perf_counter() - resetting
            for action in actions:
                unsolved, _ = self._step(messages, unsolved, action)
            ends.append((messages, unsolved))
        seconds, processor_s = perf_counter() - begun, process_time() - used
        for (play, _), (messages, unsolved) in zip(plays, ends, strict=True):
            results = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
            check_results(play, self.name, results)
            if unsolved:
                raise WrongResult(f"{self.name}: {play.scenario.id} has answers that were not found")
        return Timing(seconds, reset_s, sum(len(actions) for _, _, actions in work), processor_s)

    def _step(
        self, messages: list[dict[str, Any]], unsolved: list[list[str]], action: dict[str, Any]
    ) -> tuple[list[list[str]], float]:
        messages.append(action)
        solved = 0
        for call in action["tool_calls"]:
            name = call["function"]["name"]
            result = self._call(name, json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
            still = [parts for parts in unsolved if not all(part in result for part in parts)]
            solved += len(unsolved) - len(still)
            unsolved = still
        return unsolved, 2 * solved / (len(action["tool_calls"]) + 1)

    def _call(self, name: str, arguments: dict[str, Any]) -> str:
        answers: list[str] = []

        def target() -> None:
            namespace: dict[str, Any] = {}
            try:
                exec(self._sources[name], namespace)
                value = namespace[name](**arguments)
                is_data = isinstance(value, (dict, list))
                answers.append(json.dumps(value, ensure_ascii=False) if is_data else str(value))
            except Exception as error:
                answers.append(f"an error occured when call {name}: {error}")

        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        thread.join(_TIME_LIMIT_S)
        return answers[0] if answers else "timeout"

    def close(self) -> None:
        """Nothing is held."""


def _answers(play: Play) -> list[list[str]]:
    """The sub-answers, each as the texts that must stand in a result."""
    values = [question.expected.value for question in play.scenario.sub_questions]
    return [[str(part) for part in (value if isinstance(value, list) else [value])] for value in values]


def gem_is_installed() -> bool:
    return importlib.util.find_spec("gem") is not None


class Gem:
    """GEM's `ToolEnvWrapper` in its `SyncVectorEnv`, with a tool that parses JSON and calls a function compiled once.

    No schema, no isolation, no verification, no transcript: an observation is the last result.
    """

    calls_per_step = 1

    def __init__(self, workload: Workload, size: int) -> None:
        # By name, since its absence is no error here.
        core, tools = import_module("gem.core"), import_module("gem.tools.base_tool")
        wrapper, vector = import_module("gem.tools.tool_env_wrapper"), import_module("gem.vector.sync_vector_env")
        functions = {kind.name: _compiled(kind.name, kind.source) for kind in workload.kinds}
        instruction = json.dumps([kind.tool.chat_form for kind in workload.kinds])
        pattern = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)

        class Question(core.Env):  # type: ignore[misc, name-defined]
            """Asks, and takes what holds no call as the end."""

            def reset(self, seed: int | None = None) -> tuple[str, dict[str, Any]]:
                return "Answer by calling tools.", {}

            def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
                return "", 0.0, True, False, {}

        class JsonTool(tools.BaseTool):  # type: ignore[misc, name-defined]
            """Calls the named function."""

            tool_type = "json"

            def instruction_string(self) -> str:
                return instruction

            def execute_action(self, action: str) -> tuple[bool, bool, str, str]:
                found = pattern.search(action)
                if not found:
                    return False, True, "", action
                try:
                    call = json.loads(found.group(1))
                    return True, False, json.dumps(functions[call["name"]](**call["arguments"])), found.group(0)
                except Exception as error:
                    return True, True, str(error), found.group(0)

        def make() -> Any:
            return wrapper.ToolEnvWrapper(Question(), [JsonTool()], max_tool_uses=None)

        self.name = f"GEM tool wrapper, vector {size}"
        self._size = size
        self._env = vector.SyncVectorEnv([f"question-{i}" for i in range(size)], [make] * size)

    def run(self, plays: Sequence[Seeded]) -> Timing:
        env, reset_s = self._env, 0.0
        groups = [plays[i : i + self._size] for i in range(0, len(plays), self._size)]
        work = [list(zip(*[map(_tagged, play.steps) for play, _ in group], strict=True)) for group in groups]
        ends: list[list[Sequence[str]]] = []
        begun, used = perf_counter(), process_time()
        for turns in work:
            resetting = perf_counter()
            env.reset()
            reset_s += perf_counter() - resetting
            ends.append([env.step(turn)[0] for turn in turns])
        seconds, processor_s = perf_counter() - begun, process_time() - used
        for group, turns_seen in zip(groups, ends, strict=True):
            for i, (play, _) in enumerate(group):
                check_results(play, self.name, [json.loads(seen[i]) for seen in turns_seen])
        return Timing(seconds, reset_s, sum(len(play.steps) for play, _ in plays), processor_s)

    def close(self) -> None:
        """Nothing is held."""


def _tagged(step: Step) -> str:
    return f"<tool_call>{json.dumps({'name': step.tool, 'arguments': step.arguments})}</tool_call>"


def _compiled(name: str, source: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace[name]
