import json
import pickle

import pytest

from tool_gym.errors import ToolRejected
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import Tool

PUSH = Tool(
    name="push",
    description="",
    parameters={"type": "object"},
    source="import random\ndef push(item):\n    STATE.append([item, random.random()])\n    return STATE\n",
)
READ = Tool(
    name="read", description="", parameters={"type": "object"}, source="def read():\n    return DATA if False else 7\n"
)


def push(item: object) -> ToolCall:
    return ToolCall(name="push", arguments={"item": item})


@pytest.fixture(scope="module", params=["isolated", "embedded"])
def executor(request):
    with Executor(request.param) as executor:
        yield executor


def test_state_is_a_copy(executor):
    start = [["x", 1]]
    session = executor.session([PUSH], state=start)
    session.state.append("mine")
    start.append("mine too")
    assert session.state == [["x", 1]]
    session.call([push("a")])
    assert start == [["x", 1], "mine too"]
    assert len(session.state) == 2


def test_a_session_without_state_has_none(executor):
    assert executor.session([READ]).state is None


def test_a_snapshot_restores_state_and_chance(executor):
    session = executor.session([PUSH], seed=5, state=[])
    session.call([push("a"), push("a")])
    snapshot = pickle.loads(pickle.dumps(session.snapshot()))
    future = [message.content for message in session.call([push("a"), push("b")])]
    assert len(session.state) == 4
    session.restore(snapshot)
    assert len(session.state) == 2
    assert [message.content for message in session.call([push("a"), push("b")])] == future
    other = executor.session([PUSH], seed=99, state=["elsewhere"])
    other.restore(snapshot)
    assert [message.content for message in other.call([push("a"), push("b")])] == future


def test_a_snapshot_does_not_change_with_its_session(executor):
    session = executor.session([PUSH], state=[])
    snapshot = session.snapshot()
    before = pickle.dumps(snapshot)
    session.call([push("a")])
    assert pickle.dumps(snapshot) == before


def test_a_branch_from_a_snapshot_leaves_the_trunk_alone(executor):
    trunk = executor.session([PUSH], state=[])
    trunk.call([push("a")])
    branch = executor.session([PUSH], state=[])
    branch.restore(trunk.snapshot())
    branch.call([push("b")])
    assert (len(trunk.state), len(branch.state)) == (1, 2)
    assert trunk.call([push("b")])[0].content == json.dumps(branch.state, separators=(",", ":"))


def test_a_state_that_grows_past_its_limit_is_not_kept(executor):
    grow = Tool(
        name="grow", description="", parameters={"type": "object"}, source="def grow(n):\n    STATE['x'] = 'x' * n\n"
    )
    session = executor.session([grow], state={"x": ""})
    small, large = session.call([ToolCall(name="grow", arguments={"n": n}) for n in (1000, 1_500_000)])
    assert small.status == "ok"
    assert large.status == "bad_result"
    assert session.state == {"x": "x" * 1000}


def test_equal_tools_are_one_set_of_one_domain(executor):
    twin = Tool.model_validate(PUSH.model_dump())
    assert executor.session([PUSH]).domain == executor.session([twin]).domain
    assert executor.session([PUSH]).domain != executor.session([READ]).domain
    assert executor.session([PUSH], domain="pack").domain == "pack"


def test_a_source_that_is_no_text_is_rejected(executor):
    tool = Tool(name="f", description="", parameters={}, source="def f():\n    return '\ud800'\n")
    with pytest.raises(ToolRejected, match="lone surrogate"):
        executor.session([tool])
