"""The official package's client plays scenarios that `tool-gym serve` serves."""

import asyncio
import os
import socket
import sys
import time

import pytest
from mcp import Client, StdioServerParameters
from small_pack import JOINED, TURNS

from tool_gym.cli import app
from tool_gym.trajectory import read_trajectories
from tool_gym.verify.rescoring import rescore

SERVE = ("-m", "tool_gym", "serve")


async def play(client, scenario, answer, reply="reply_to_user"):
    """Makes a scenario's reference calls, then replies; gives what each call returned."""
    told = []
    for step in scenario.sub_questions:
        result = await client.call_tool(step.tools[0], step.arguments)
        assert not result.is_error, result
        told.append(result.content[0].text)
    result = await client.call_tool(reply, {"text": answer})
    return [*told, result.content[0].text]


async def over_stdio(pack_folder, scenario, act, *options, mode="auto"):
    command = [*SERVE, str(pack_folder), scenario, *map(str, options)]
    server = StdioServerParameters(command=sys.executable, args=command, env=dict(os.environ))
    async with Client(server, mode=mode) as client:
        return await act(client)


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # of the protocol's two ways to begin
def test_a_client_plays_a_scenario_to_full_reward_over_stdio(pack_folder, tmp_path, mode):
    async def act(client):
        assert JOINED.question in client.instructions
        prompt = await client.get_prompt("task")
        assert JOINED.question in prompt.messages[0].content.text
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [*[tool.name for tool in JOINED.tools], "reply_to_user"]
        assert tools[0].input_schema == JOINED.tools[0].parameters
        return await play(client, JOINED, "<answer>6000</answer>")

    told = asyncio.run(over_stdio(pack_folder, "joined-1", act, "--save", tmp_path / "t.jsonl", mode=mode))
    assert told == ['{"town":"Ålund","people":5120}', '{"town":"北门","people":880}', "6000", "The task has ended."]
    (trajectory,) = read_trajectories(tmp_path / "t.jsonl")
    assert trajectory.termination == "answer"
    assert sum(turn.reward for turn in trajectory.transitions) == pytest.approx(1.0)
    assert rescore(trajectory, reward="solve_f1").transitions[-1].score.f1 == 1.0


def test_a_client_plays_a_scenario_to_full_reward_over_http(pack_folder, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def act():
        server = await asyncio.create_subprocess_exec(
            sys.executable, *SERVE, str(pack_folder), "joined-1", "--http", "--port", str(port),
            "--save", str(tmp_path / "t.jsonl"), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            await until_open(port)
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                await play(client, JOINED, "<answer>6000</answer>")
        finally:
            server.terminate()
            told = (await server.communicate())[1].decode()
        return told

    told = asyncio.run(act())
    assert "3 of 3 checks solved with 3 calls, answer right, return 1.000" in told
    (trajectory,) = read_trajectories(tmp_path / "t.jsonl")
    assert sum(turn.reward for turn in trajectory.transitions) == pytest.approx(1.0)


async def until_open(port, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        await asyncio.sleep(0.1)
    pytest.fail("the server did not come up")


def test_mistakes_are_answered_and_count_and_the_end_is_the_end(pack_folder, tmp_path):
    async def act(client):
        unknown = await client.call_tool("no_such_tool", {})
        assert unknown.is_error
        assert "no tool is called" in unknown.content[0].text
        wrong = await client.call_tool("population", {"village": 1})
        assert wrong.is_error
        speechless = await client.call_tool("reply_to_user", {"text": 7})
        assert speechless.is_error
        await client.call_tool("reply_to_user", {"text": "I do not know."})
        late = await client.call_tool("population", {"town": "北门"})
        assert late.is_error
        assert "has ended" in late.content[0].text

    asyncio.run(over_stdio(pack_folder, "joined-1", act, "--save", tmp_path / "t.jsonl"))
    (trajectory,) = read_trajectories(tmp_path / "t.jsonl")
    score = trajectory.transitions[-1].score
    assert (score.calls, score.valid_calls, score.solved) == (2, 0, 0)


def test_a_reply_before_the_last_user_turn_is_answered_by_the_user_and_new_tools_come(pack_folder):
    async def act(client):
        assert [tool.name for tool in (await client.list_tools()).tools].count("add") == 0
        await client.call_tool("population", {"town": "Ålund"})
        said = await client.call_tool("reply_to_user", {"text": "5120"})
        assert said.content[0].text == TURNS.turns[1].content
        assert "add" in [tool.name for tool in (await client.list_tools()).tools]
        await client.call_tool("add", {"numbers": [5120, 100]})
        last = await client.call_tool("reply_to_user", {"text": "<answer>5220</answer>"})
        assert last.content[0].text == "The task has ended."

    asyncio.run(over_stdio(pack_folder, "turns-1", act))


def test_parallel_calls_wait_for_each_other(pack_folder, tmp_path):
    async def act(client):
        towns = ["Ålund", "北门", "مرسى"]
        results = await asyncio.gather(*[client.call_tool("population", {"town": town}) for town in towns])
        assert [town in result.content[0].text for town, result in zip(towns, results, strict=True)] == [True] * 3

    asyncio.run(over_stdio(pack_folder, "joined-1", act, "--save", tmp_path / "t.jsonl"))
    assert len(next(read_trajectories(tmp_path / "t.jsonl")).transitions) == 3


def test_what_cannot_be_served_is_told_before_anything_starts(pack_folder, tmp_path):
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["serve", str(pack_folder), "joined-2"])
    assert "did you mean 'joined-1'" in str(result.exception)
    result = CliRunner().invoke(
        app, ["serve", str(pack_folder), "joined-1", "--save", str(tmp_path / "no" / "t.jsonl")]
    )
    assert "its folder does not exist" in str(result.exception)
