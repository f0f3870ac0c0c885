import asyncio
import hashlib
import json
import pickle
import threading
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tool_gym.errors import InputError, PackError, SandboxError, ToolRejected
from tool_gym.jsonvalue import NotJson, canonical, digest
from tool_gym.messages import ToolCall, ToolMessage
from tool_gym.sandbox.batch import split
from tool_gym.sandbox.executor import Executor, default_executor
from tool_gym.sandbox.pool import Pool
from tool_gym.sandbox.work import Work
from tool_gym.scenario import TableRef, Tool


def tool(source: str, name: str = "f", parameters: dict | None = None, **fields: object) -> Tool:
    return Tool(name=name, description="", parameters=parameters or {"type": "object"}, source=source, **fields)


def call(name: str = "f", /, **arguments: object) -> ToolCall:
    return ToolCall(id="c", name=name, arguments=arguments)


ADD = tool(
    "def add(a, b=1):\n    return a + b\n",
    "add",
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]},
)
ECHO = tool("def echo(**given):\n    return given\n", "echo")
FAILS = tool("def fails(text='no'):\n    raise ValueError(text)\n", "fails")
LOOPS = tool("def loops():\n    while True:\n        pass\n", "loops")
DICE = tool("import random, uuid\ndef dice(sides=6):\n    return [random.random(), str(uuid.uuid4())]\n", "dice")
PUSH = tool(
    "def push(item):\n    STATE['items'].append(item)\n    if item == 'bad':\n        raise ValueError(item)\n"
    "    return len(STATE['items'])\n",
    "push",
)
BROKEN = tool("def broken(:\n", "broken")
ROWS = [{"name": "Oslo", "people": 700_000}, {"name": "Bergen", "people": 290_000}]
LOOKUP = tool(
    "def people(name):\n    return [row['people'] for row in DATA['towns'] if row['name'] == name]\n",
    "people",
    data=(TableRef(name="towns", sha256=digest(ROWS)),),
)


@pytest.fixture(scope="module", params=["isolated", "embedded"])
def either(request):
    with Executor(request.param) as executor:
        yield executor


@pytest.fixture(scope="module")
def isolated():
    with Executor() as executor:
        yield executor


@pytest.fixture(scope="module")
def embedded():
    with Executor("embedded") as executor:
        yield executor


def statuses(messages: list[ToolMessage]) -> list[str]:
    return [message.status for message in messages]


def test_a_call_answers_with_the_tools_value_and_its_text(either):
    (message,) = either.session([ADD]).call([ToolCall(id="x7", name="add", arguments={"a": 2, "b": 3})])
    assert message == ToolMessage(tool_call_id="x7", name="add", status="ok", value=5, content="5")


def test_text_is_its_own_content_and_the_rest_is_compact_json(either):
    answers = either.session([ECHO]).call([call("echo", b="é\n", a=[1, None, 2.5]), call("echo")])
    assert [message.content for message in answers] == ['{"b":"é\\n","a":[1,null,2.5]}', "{}"]
    assert either.session([tool("def f():\n    return 'é\\n'")]).call([call()])[0].content == "é\n"


def test_integers_of_any_size_pass_exactly(either):
    big = 12345678901234567890123456789
    assert either.session([ECHO]).call([call("echo", n=big)])[0].value == {"n": big}


def test_a_tool_that_raises_answers_with_its_text(either):
    (message,) = either.session([FAILS]).call([call("fails", text="out of bread")])
    assert (message.status, message.value) == ("tool_error", None)
    assert json.loads(message.content) == {"error": "tool_error", "message": "out of bread"}


def test_calls_that_are_no_valid_calls_reach_no_tool(either):
    session = either.session([ADD, FAILS])
    answers = session.call(
        [
            ToolCall(id="a", name="add", raw="{", error="the arguments are not JSON"),
            call("nope"),
            call("add", a="two"),
            call("add", b=2),
            call("add", a=1),
        ]
    )
    assert statuses(answers) == ["invalid_call"] * 4 + ["ok"]
    reasons = [json.loads(message.content)["message"] for message in answers[:4]]
    assert reasons[0] == "the arguments are not JSON"
    assert reasons[1] == "no tool is called 'nope'; the tools are: add, fails"
    assert "a:" in reasons[2]
    assert '"a" is a required property' in reasons[3]


def test_the_list_of_known_tools_is_bounded(either):
    many = [tool(f"def f{n}():\n    return {n}\n", f"f{n}") for n in range(50)]
    (message,) = either.session(many, strict=False).call([call("x" * 5000)])
    assert "f31 and 18 more" in message.content
    assert len(message.content) < 1000


def test_arguments_are_not_checked_where_the_pack_says_so(either):
    session = either.session([ADD], check_arguments=False)
    answers = session.call([call("add", a="x", b="y"), call("add", c=1), call("nope")])
    assert statuses(answers) == ["ok", "tool_error", "invalid_call"]
    assert answers[0].value == "xy"


def test_a_tool_whose_schema_is_none_takes_all_arguments(either):
    odd = tool("def f(**given):\n    return len(given)\n", parameters={"type": "object", "properties": 7})
    assert either.session([odd]).call([call(a=1)])[0].value == 1


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, (1, 2), {3: 4}, [{"x": {5}}]])
def test_arguments_with_an_obvious_json_form_are_given_it(either, value):
    (message,) = either.session([ECHO]).call([call("echo", value=value)])
    assert message.status == "ok"


def test_arguments_that_are_not_json_are_no_valid_call(either):
    cyclic: list = []
    cyclic.append(cyclic)
    answers = either.session([ECHO]).call([call("echo", value=object()), call("echo", value=cyclic), call("echo")])
    assert statuses(answers) == ["invalid_call", "invalid_call", "ok"]


def test_answers_come_in_the_order_of_the_calls_of_many_sessions(either):
    sessions = [either.session([ADD, FAILS], seed=n) for n in range(30)]
    pairs = []
    for n, session in enumerate(sessions * 3):
        pairs.append((session, call("add", a=n) if n % 7 else call("fails", text=str(n))))
    answers = either.call(pairs)
    for n, message in enumerate(answers):
        assert (message.status, message.value) == (("ok", n + 1) if n % 7 else ("tool_error", None))


def test_no_calls_have_no_answers(either):
    assert either.call([]) == []
    assert either.session([ADD]).call([]) == []


def test_the_seed_of_a_call_is_what_the_documentation_says(embedded):
    session, arguments = embedded.session([DICE], seed=41), {"sides": 8}
    work = session.new_work(1.0)
    for _ in range(2):
        session.add(call("dice", **arguments), work)
    expected = [hashlib.sha256(canonical([41, "dice", arguments, n])).digest() for n in range(2)]
    assert [seed for _, _, seed in work.calls] == expected


def test_chance_follows_from_seed_arguments_and_repetition_alone(either):
    def play(seed: int, *calls: ToolCall) -> list[str]:
        return [message.content for message in either.session([DICE, ADD], seed=seed).call(calls)]

    six, eight = call("dice"), call("dice", sides=8)
    first = play(1, six, six, eight)
    assert len(set(first)) == 3
    assert play(1, six, six, eight) == first
    assert play(1, eight, call("add", a=1), six, six)[0::2][0] == first[2]
    assert play(1, call("nope"), six)[1] == first[0]
    assert play(2, six)[0] != first[0]


def test_calls_of_a_batch_see_the_state_that_those_before_left(either):
    session = either.session([PUSH], state={"items": []})
    answers = session.call([call("push", item=item) for item in ("a", "bad", "b")])
    assert [message.value for message in answers] == [1, None, 2]
    assert session.state == {"items": ["a", "b"]}
    assert session.call([call("push", item="c")])[0].value == 3


def test_sessions_have_each_their_own_state(either):
    one, two = (either.session([PUSH], state={"items": []}) for _ in range(2))
    either.call([(one, call("push", item="a")), (two, call("push", item="b")), (one, call("push", item="c"))])
    assert (one.state, two.state) == ({"items": ["a", "c"]}, {"items": ["b"]})


def test_a_tool_reads_its_tables(either):
    session = either.session([LOOKUP], tables={digest(ROWS): ROWS})
    assert session.call([call("people", name="Bergen")])[0].value == [290_000]


class Counting(Mapping):
    """A lazy mapping of tables that counts its readings."""

    def __init__(self, tables):
        self.tables, self.read = tables, 0

    def __getitem__(self, key):
        self.read += 1
        return self.tables[key]

    def __iter__(self):
        return iter(self.tables)

    def __len__(self):
        return len(self.tables)


def test_a_table_is_read_once_for_a_worker_and_only_when_a_tool_needs_it():
    with Executor(workers=1) as executor:
        tables = Counting({digest(ROWS): ROWS})
        session = executor.session([LOOKUP, ADD], tables=tables, strict=False, domain="d")
        session.call([call("add", a=1)])
        assert tables.read == 0
        for _ in range(3):
            executor.session([LOOKUP], tables=tables, domain="d").call([call("people", name="Oslo")])
        assert tables.read == 1


def test_a_missing_table_is_the_packs_mistake_and_named(either):
    lost = tool("def f():\n    return DATA\n", data=(TableRef(name="towns", sha256="0" * 64),))
    with pytest.raises(PackError, match="000000000000"):
        either.session([lost])
    session = either.session([lost, ADD], strict=False)
    with pytest.raises(PackError, match="000000000000"):
        session.call([call()])
    assert session.call([call("add", a=1)])[0].value == 2


def test_a_refused_source_is_an_error_of_a_strict_session(either):
    for _ in range(2):
        with pytest.raises(ToolRejected, match=r"tool 'broken', line 1: ") as caught:
            either.session([ADD, BROKEN])
        assert caught.value.line == 1


def test_a_refused_source_answers_tool_error_in_a_session_that_is_not_strict(either):
    answers = either.session([ADD, BROKEN], strict=False).call([call("broken"), call("add", a=1)])
    assert statuses(answers) == ["tool_error", "ok"]


def test_two_tools_of_one_name_are_refused(either):
    with pytest.raises(ToolRejected, match="two tools"):
        either.session([ADD, ADD])


def test_tools_may_be_mappings_and_a_wrong_one_is_named(either):
    session = either.session([ADD.model_dump()])
    assert session.call([call("add", a=1)])[0].value == 2
    with pytest.raises(InputError, match=r"'add'.*source"):
        either.session([{"name": "add", "description": "", "parameters": {}}])


def test_a_state_that_is_not_json_is_refused_at_once(either):
    with pytest.raises(NotJson):
        either.session([PUSH], state={"items": object()})


def test_a_looping_tool_becomes_a_timeout_and_the_next_call_still_works(either):
    answers = either.session([LOOPS, ADD]).call([call("loops"), call("add", a=1)])
    assert statuses(answers) == ["timeout", "ok"]
    assert answers[0].deterministic


def test_calls_for_which_no_time_is_left_answer_timeout(either):
    sessions = [either.session([LOOPS, ADD], seed=n) for n in range(2)]
    pairs = [(sessions[0], call("loops")), (sessions[1], call("add", a=1)), (sessions[0], call("add", a=1))]
    answers = either.call(pairs, time_limit_s=0.01)
    assert statuses(answers) == ["timeout", "ok", "timeout"]
    assert "not made" in answers[2].content
    assert not answers[2].deterministic


def test_acall_answers_as_call_and_lets_the_loop_go_on(either):
    session = either.session([LOOPS, ADD])

    async def play() -> tuple[list[ToolMessage], int]:
        turns = 0
        task = asyncio.ensure_future(session.acall([call("loops"), call("add", a=1)]))
        while not task.done():
            await asyncio.sleep(0.001)
            turns += 1
        return await task, turns

    answers, turns = asyncio.run(play())
    assert statuses(answers) == ["timeout", "ok"]
    if either.execution == "isolated":
        assert turns > 5


def test_many_episodes_may_wait_at_once(either):
    async def play() -> list[list[ToolMessage]]:
        sessions = [either.session([ADD], seed=n) for n in range(40)]
        return await asyncio.gather(*(session.acall([call("add", a=n)]) for n, session in enumerate(sessions)))

    assert [message.value for (message,) in asyncio.run(play())] == [n + 1 for n in range(40)]


def test_threads_share_an_executor(either):
    wrong = []

    def play(seed: int) -> None:
        session = either.session([ADD, PUSH, FAILS], seed=seed, state={"items": []})
        for n in range(60):
            answers = session.call([call("add", a=n, b=seed), call("push", item="x"), call("fails")])
            if [message.value for message in answers] != [n + seed, n + 1, None]:
                wrong.append((seed, n, answers))

    threads = [threading.Thread(target=play, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
plays = st.lists(
    st.one_of(
        st.builds(lambda value: call("echo", value=value), json_values),
        st.builds(lambda a, b: call("add", a=a, b=b), json_values, json_values),
        st.builds(lambda item: call("push", item=item), json_values | st.just("bad")),
        st.builds(lambda text: call("fails", text=text), json_values),
        st.sampled_from([call("dice"), call("nope"), call("broken"), call("people", name="Oslo")]),
    ),
    max_size=12,
)


@settings(max_examples=60)
@given(plays, st.integers(0, 2**40), st.booleans())
def test_the_same_play_gives_the_same_bytes_isolated_and_embedded(isolated, embedded, calls, seed, check):
    found = []
    for executor in (isolated, embedded):
        session = executor.session(
            [ECHO, ADD, PUSH, FAILS, DICE, BROKEN, LOOKUP],
            seed,
            {"items": []},
            tables={digest(ROWS): ROWS},
            strict=False,
            check_arguments=check,
        )
        found.append([message.model_dump_json() for message in session.call(calls)] + [canonical(session.state)])
    assert found[0] == found[1]


def test_layers_are_named_outermost_first(isolated, embedded):
    assert isolated.layers[0] == "process"
    assert isolated.layers[-1] == "dialect"
    assert embedded.layers == ("dialect",)


def lacking(monkeypatch, **missing: str) -> None:
    monkeypatch.setattr(Pool, "all_layers", lambda self, domain="": missing)


def test_a_machine_without_a_layer_refuses_strangers_tools_and_names_the_way_out(monkeypatch):
    lacking(monkeypatch, seccomp="no such call")
    for isolation, trusted in (("auto", False), ("full", True)):
        with Executor(isolation=isolation) as executor, pytest.raises(SandboxError) as caught:
            executor.session([ADD], trusted=trusted)
        assert "seccomp (no such call)" in str(caught.value)
        assert "isolation='best_effort'" in str(caught.value)


def test_a_machine_without_a_layer_runs_trusted_tools_and_warns_once(monkeypatch, recwarn):
    lacking(monkeypatch, seccomp="no such call")
    with Executor() as executor:
        for _ in range(3):
            assert executor.session([ADD], trusted=True).call([call("add", a=1)])[0].value == 2
    assert len([w for w in recwarn if "seccomp" in str(w.message)]) == 1


def test_best_effort_runs_without_a_word(monkeypatch, recwarn):
    lacking(monkeypatch, seccomp="no such call")
    with Executor(isolation="best_effort") as executor:
        assert executor.session([ADD]).call([call("add", a=1)])[0].value == 2
    assert not recwarn.list


@pytest.mark.parametrize(
    "arguments",
    [
        {"execution": "elsewhere"},
        {"isolation": "none"},
        {"call_time_limit_s": 0},
        {"call_time_limit_s": float("nan")},
        {"memory_limit_mb": 8},
        {"workers": 0},
    ],
)
def test_an_argument_out_of_its_range_is_named(arguments):
    (name,) = arguments
    with pytest.raises(InputError, match=name):
        Executor(**arguments)


def test_an_executor_pickles_as_its_arguments():
    with Executor("embedded", "full", 0.5, 128, 3) as executor:
        twin = pickle.loads(pickle.dumps(executor))
        assert pickle.dumps(twin) == pickle.dumps(executor)
        twin.close()


def test_there_is_one_default_executor_for_each_execution():
    assert default_executor() is default_executor("isolated")
    assert default_executor("embedded") is default_executor("embedded")
    assert default_executor("embedded") is not default_executor()
    assert default_executor("embedded").execution == "embedded"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40)), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_works_are_split_by_domain_without_loss_or_needless_workers(sizes, workers):
    works = []
    for domain, calls in sizes:
        work = Work(domain, {}, None, 1.0)
        work.calls = [("k", b"{}", b"")] * calls
        works.append(work)
    parts = split(works, workers)
    assert sorted(map(id, (work for part in parts for work in part))) == sorted(map(id, works))
    for domain in {domain for domain, _ in sizes}:
        mine = [part for part in parts if part[0].domain == domain]
        assert all(work.domain == domain for part in mine for work in part)
        calls = sum(len(work.calls) for part in mine for work in part)
        assert len(mine) <= max(1, min(workers, calls // 8))
