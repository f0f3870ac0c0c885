"""The real package `bfcl-eval`, where it is installed: all gold calls, and its own verdict on sloppy plays."""

import copy
import json
import random
import sys
import types
from pathlib import Path

import pytest

from tool_gym.evaluation.suite import load_suite
from tool_gym.evaluation.verdicts import all_and_nothing_else, bfcl_multi_turn
from tool_gym.messages import AssistantMessage, ToolCall
from tool_gym.policies.policy import Decision, Policy
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor

bfcl_eval = pytest.importorskip("bfcl_eval", reason="needs a package put in by hand: pip install --no-deps bfcl-eval")
pytest.importorskip("mpmath")
pytestmark = pytest.mark.slow
PACKAGE = Path(bfcl_eval.__path__[0])
UNPLAYABLE = {"live-simple-106-63-0", "live-simple-112-68-0", "live-multiple-862-181-3", "live-multiple-964-207-0"}


@pytest.fixture(scope="module")
def multi(tmp_path_factory):
    suite = load_suite("bfcl")
    return suite.pack(suite.parts[0], PACKAGE, tmp_path_factory.mktemp("multi"), trust=True)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    suite = load_suite("bfcl-single")
    return suite.pack(suite.parts[0], PACKAGE, tmp_path_factory.mktemp("one"), trust=False)


class Sloppy(Policy):
    """Plays the gold calls, each after the other, with mistakes: left out, made twice, out of order, altered."""

    def __init__(self, pack):
        self.pack, self.todo = pack, {}

    def act(self, requests):
        return [Decision(self.message(request)) for request in requests]

    def message(self, request):
        name, scenario = request.episode_id, self.pack[request.info["scenario"]]
        users = sum(message["role"] == "user" for message in request.observation["messages"])
        if (name, users) not in self.todo:
            self.todo[name, users] = self.plan(scenario, users - 1, random.Random(f"{name}/{users}"))
        calls = self.todo[name, users]
        if not calls:
            return AssistantMessage(content="Done.")
        now, self.todo[name, users] = calls[:2], calls[2:]
        return AssistantMessage(tool_calls=tuple(now))

    def plan(self, scenario, turn, rng):
        due = scenario.due[turn] if scenario.due else ()
        calls = [(step.tools[0], step.arguments) for step in scenario.sub_questions if step.id in due]
        mistake = rng.random()
        if calls and mistake < 0.06:
            calls.pop(rng.randrange(len(calls)))
        elif calls and mistake < 0.12:
            calls.insert(0, rng.choice(calls))
        elif mistake < 0.18:
            rng.shuffle(calls)
        elif calls and mistake < 0.24:
            place = rng.randrange(len(calls))
            calls[place] = (calls[place][0], {**calls[place][1], "no_such_parameter": 1})
        elif mistake < 0.3:
            calls.append((rng.choice(["pwd", "displayCarStatus", "get_stock_info", "list_all_airports"]), {}))
        return [ToolCall(name=name, arguments=arguments) for name, arguments in calls]


def rows(name):
    with (PACKAGE / "data" / name).open() as file:
        return {row["id"]: row for row in map(json.loads, file)}


def test_all_gold_calls_replay_and_the_oracle_is_right_in_all_800_tasks(multi):
    with Executor(native=True) as executor:
        played = [trajectory for _, trajectory in rollout(OraclePolicy(multi), multi, plays(multi.ids()), executor)]
    assert len(played) == 800
    assert sum(trajectory.transitions[-1].score.calls for trajectory in played) == 4625
    assert all(trajectory.transitions[-1].score.f1 == 1.0 for trajectory in played)
    assert all(bfcl_multi_turn(trajectory)["accuracy"] == 1.0 for trajectory in played)


@pytest.mark.parametrize("category", ["base", "miss_func", "miss_param", "long_context"])
def test_sloppy_plays_get_the_verdict_that_bfcl_itself_gives(multi, category):
    from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker import multi_turn_checker

    tasks = rows(f"BFCL_v4_multi_turn_{category}.json")
    answers = rows(f"possible_answer/BFCL_v4_multi_turn_{category}.json")
    differ, right = [], 0
    with Executor(native=True) as executor:
        for _, trajectory in rollout(Sloppy(multi), multi, plays(multi.ids(category)), executor):
            task = multi[trajectory.scenario].provenance.detail["id"]
            theirs = multi_turn_checker(
                decoded(trajectory), answers[task]["ground_truth"], copy.deepcopy(tasks[task]), category, "sloppy"
            )["valid"]
            ours = bfcl_multi_turn(trajectory)["accuracy"] == 1.0
            right += ours
            if ours != theirs:
                differ.append(task)
    assert differ == []
    assert 20 < right < 180, "both verdicts occur"


def decoded(trajectory):
    """The calls as BFCL takes them: for each user turn its steps, for each step texts of calls."""
    turns, steps = [], []
    for step in trajectory.transitions:
        if not step.action.tool_calls:
            turns.append(steps)
            steps = []
            continue
        steps.append([text(call) for call in step.action.tool_calls])
    return turns


def text(call):
    return f"{call.name}({', '.join(f'{name}={value!r}' for name, value in call.arguments.items())})"


def test_single_calls_get_the_verdict_that_bfcl_itself_gives(single, monkeypatch):
    config = types.ModuleType("bfcl_eval.constants.model_config")  # the real one imports every client there is
    config.MODEL_CONFIG_MAPPING = {"m": types.SimpleNamespace(underscore_to_dot=True)}
    monkeypatch.setitem(sys.modules, config.__name__, config)
    tree_sitter = types.ModuleType("tree_sitter")
    monkeypatch.setitem(sys.modules, "tree_sitter", tree_sitter)
    for name in ("java", "js"):
        converter = types.ModuleType(f"bfcl_eval.eval_checker.ast_eval.type_convertor.{name}_type_converter")
        setattr(converter, f"{name}_type_converter", None)
        monkeypatch.setitem(sys.modules, converter.__name__, converter)
    from bfcl_eval.constants.enums import Language
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    differ, right, oracle_wrong = [], 0, set()
    with Executor() as executor:
        for category in ("simple_python", "multiple", "parallel", "parallel_multiple", "live_simple", "live_multiple"):
            tasks, answers = rows(f"BFCL_v4_{category}.json"), rows(f"possible_answer/BFCL_v4_{category}.json")
            for policy in (OraclePolicy(single), Altered(single)):
                for _, trajectory in rollout(policy, single, plays(single.ids(category)), executor):
                    task = single[trajectory.scenario].provenance.detail["id"]
                    calls = [{call.name: dict(call.arguments)} for call in trajectory.transitions[0].action.tool_calls]
                    theirs = ast_checker(
                        tasks[task]["function"], calls, answers[task]["ground_truth"], Language.PYTHON, category, "m"
                    )["valid"]
                    ours = all_and_nothing_else(trajectory)["accuracy"] == 1.0
                    right += ours
                    if ours != theirs:
                        differ.append((task, calls))
                    if type(policy) is OraclePolicy and not ours:
                        oracle_wrong.add(trajectory.scenario)
    assert differ == []
    assert oracle_wrong == UNPLAYABLE, "their possible answers name no value, or parameters that there are not"
    assert right > 2000


class Altered(OraclePolicy):
    """The oracle with something altered in its first call."""

    def act(self, requests):
        return [
            Decision(self.altered(each.message, request))
            for each, request in zip(super().act(requests), requests, strict=True)
        ]

    def altered(self, message, request):
        rng = random.Random(request.episode_id)
        if not message.tool_calls:
            return message
        first, *others = message.tool_calls
        arguments = dict(first.arguments)
        name = rng.choice([*arguments, "odd"])
        changed = {
            "drop": {key: value for key, value in arguments.items() if key != name},
            "text": {**arguments, name: f"{arguments.get(name)} "},
            "upper": {key: value.upper() if isinstance(value, str) else value for key, value in arguments.items()},
            "list": {**arguments, name: [arguments.get(name)]},
            "float": {key: float(value) if type(value) is int else value for key, value in arguments.items()},
            "zero": {**arguments, name: 0},
        }
        return AssistantMessage(
            tool_calls=(first.model_copy(update={"arguments": changed[rng.choice(list(changed))]}), *others)
        )
