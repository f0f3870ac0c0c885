"""`Executor.stream`: its answers are those of `call`, and what goes wrong between two parts spoils no later call."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import tool_gym
from tool_gym.episode import step_together
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.executor import Executor
from tool_gym.sandbox.session import Session
from tool_gym.scenario import Tool

ADD = Tool(
    name="add",
    description="",
    parameters={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    source="import random\ndef add(a):\n    return [a + 1, random.random()]\n",
)
EATS = Tool(
    name="eats",
    description="",
    parameters={"type": "object"},
    source="def eats():\n    text = 'x' * 30000000\n    return len([text + str(i) for i in range(1000)])\n",
)
SPINS = Tool(
    name="spins",
    description="",
    parameters={"type": "object"},
    source="def spins():\n    for n in range(1000000):\n        pass\n    return n\n",
)
_SEEDS = range(20)


@pytest.fixture(scope="module", params=["isolated", "embedded"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with Executor(request.param, isolation="best_effort", workers=2) as executor:
        yield executor


def pairs_of(executor: Executor, *tools: Tool, seeds: range = _SEEDS) -> list[tuple[Session, ToolCall]]:
    """For each seed a session, and calls of `add` that fit and do not."""
    sessions = [executor.session([ADD, *tools], seed=seed) for seed in seeds]
    calls = [ToolCall(id=str(a), name="add", arguments={"a": a}) for a in (1, 2)]
    wrong = [ToolCall(id="w", name="add", arguments={"a": "x"}), ToolCall(id="u", name="none", arguments={})]
    return [(session, call) for session in sessions for call in (calls[0], *wrong, calls[1])]


def flat(parts: Iterator[list[ToolMessage]]) -> list[ToolMessage]:
    return [answer for part in parts for answer in part]


@pytest.mark.parametrize("cut", [0, 4, 40, 80])
def test_parts_are_answered_as_one_call_would_answer_them_whole(executor: Executor, cut: int) -> None:
    whole = executor.call(pairs_of(executor))
    pairs = pairs_of(executor)
    streamed = flat(executor.stream([pairs[:cut], pairs[cut:]]))
    assert streamed == whole
    assert [answer.status for answer in whole[:4]] == ["ok", "invalid_call", "invalid_call", "ok"]


def test_when_the_second_part_cannot_be_made_the_next_calls_get_their_own_answers(executor: Executor) -> None:
    def parts() -> Iterator[list[tuple[Session, ToolCall]]]:
        yield pairs_of(executor, seeds=range(100, 120))
        raise RuntimeError("no second part")

    whole = executor.call(pairs_of(executor))
    for _ in range(3):
        with pytest.raises(RuntimeError, match="no second part"):
            flat(executor.stream(parts()))
        assert executor.call(pairs_of(executor)) == whole


def test_when_the_answers_are_no_longer_wanted_the_next_calls_get_their_own(executor: Executor) -> None:
    whole = executor.call(pairs_of(executor))
    for _ in range(3):
        stream = executor.stream([pairs_of(executor, seeds=range(s, s + 20)) for s in (100, 200)])
        assert len(next(stream)) == len(whole)
        stream.close()
        assert executor.call(pairs_of(executor)) == whole


def test_a_call_that_ends_its_worker_costs_no_other_call_of_either_part() -> None:
    with Executor("isolated", "best_effort", workers=2) as executor:
        whole = executor.call(pairs_of(executor, EATS))
        pairs = pairs_of(executor, EATS)
        eater = (pairs[8][0], ToolCall(id="e", name="eats", arguments={}))
        first, second = [*pairs[:12], eater, *pairs[12:40]], pairs[40:]
        answers = flat(executor.stream([first, second]))
        assert answers[12].status != "ok"
        assert answers[:12] + answers[13:] == whole


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_a_part_whose_worker_dies_does_not_wait_for_the_one_that_the_next_part_holds() -> None:
    answers: list[ToolMessage] = []

    def parts() -> Iterator[list[tuple[Session, ToolCall]]]:
        yield pairs[:40]
        for zygote in children(os.getpid()) - earlier:
            for worker in children(zygote):
                os.kill(worker, signal.SIGKILL)
        yield pairs[40:]

    earlier = children(os.getpid())
    with Executor("isolated", "best_effort", workers=2) as executor:
        pairs = pairs_of(executor, SPINS)
        pairs[0] = (pairs[0][0], ToolCall(id="s", name="spins", arguments={}))  # keeps the worker until it dies
        thread = threading.Thread(target=lambda: answers.extend(flat(executor.stream(parts()))), daemon=True)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert answers[0].status == "crashed"
        assert answers[1:] == executor.call(pairs_of(executor, SPINS))[1:]


def children(parent: int) -> set[int]:
    """Processes that a process has started."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent:
                found.add(int(folder.name))
    return found


def test_threads_that_share_few_workers_never_wait_for_each_other() -> None:
    wrong: list[object] = []
    with Executor("isolated", "best_effort", workers=2) as executor:
        whole = executor.call(pairs_of(executor))

        def play() -> None:
            for _ in range(10):
                pairs = pairs_of(executor)
                if flat(executor.stream([pairs[:40], pairs[40:]])) != whole:
                    wrong.append(pairs)

        threads = [threading.Thread(target=play, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in threads)
    assert not wrong


def test_many_episodes_step_together_as_each_would_alone() -> None:
    pack = tool_gym.load_pack("starter")
    scenarios = [pack[each] for each in pack.ids()[:8]] * 5
    with Executor("isolated", "best_effort", workers=2) as executor:

        def episodes() -> list[tool_gym.Episode]:
            return [
                tool_gym.Episode.of_pack(pack, scenario.id, executor, seed=seed)
                for seed, scenario in enumerate(scenarios)
            ]

        actions = [
            {
                "tool_calls": [
                    {"name": step.tools[0], "arguments": step.arguments} for step in scenario.sub_questions[:2]
                ]
            }
            for scenario in scenarios
        ]
        alone = [episode.step(action) for episode, action in zip(episodes(), actions, strict=True)]
        assert step_together(episodes(), actions, executor) == alone
        assert step_together([], [], executor) == []
