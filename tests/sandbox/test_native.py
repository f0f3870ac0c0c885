"""Native tools: plain Python, for classes that no dialect could hold; sealed, and as repeatable as the others."""

import pytest

from tool_gym.errors import InputError, ToolRejected
from tool_gym.jsonvalue import digest
from tool_gym.messages import ToolCall
from tool_gym.sandbox.executor import Executor
from tool_gym.scenario import TableRef, Tool

MODULES = {"shop.stock": "class Stock:\n    def __init__(self, count):\n        self._count = count\n"}
TABLES = {digest(MODULES): MODULES}


@pytest.fixture(scope="module")
def native():
    with Executor(native=True) as executor:
        yield executor


def tool(source: str, *, modules: bool = False) -> Tool:
    data = (TableRef(name="modules", sha256=digest(MODULES)),) if modules else ()
    return Tool(name="f", description="", parameters={"type": "object"}, source=source, data=data)


def run(executor, source, *, modules=False, state=None, seed=0, times=1, domain="native"):
    session = executor.session(
        [tool(source, modules=modules)], seed, state, tables=TABLES, native=True, strict=False, domain=domain
    )
    return session, [session.call([ToolCall(name="f", arguments={})])[0] for _ in range(times)]


def test_a_native_tool_may_do_what_the_dialect_forbids_and_import_its_modules(native):
    source = "from shop.stock import Stock\n\n\ndef f():\n    return vars(Stock(3))['_count']\n"
    assert run(native, source, modules=True)[1][0].value == 3


def test_state_passes_from_call_to_call_and_a_failed_call_changes_none(native):
    source = "def f():\n    STATE['n'] += 1\n    assert STATE['n'] < 3, 'three'\n    return STATE['n']\n"
    session, answers = run(native, source, state={"n": 0}, times=3)
    assert [answer.value for answer in answers] == [1, 2, None]
    assert (answers[2].status, session.state) == ("tool_error", {"n": 2})


def test_clock_and_chance_follow_from_the_seed(native):
    source = (
        "import random, time\nfrom datetime import datetime\n\n\n"
        "def f():\n    return [random.random(), time.time(), datetime.now().isoformat(), time.tzname[0]]\n"
    )
    first, again, other = (run(native, source, seed=seed)[1][0].value for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first[3] == "UTC"


def test_a_native_tool_is_sealed(native):
    assert run(native, "def f():\n    return open('/etc/passwd').read()\n")[1][0].status == "tool_error"
    assert "dialect" not in native.layers


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def f():\n    return object()\n", "bad_result"),
        ("def f():\n    raise ValueError('no such shelf')\n", "tool_error"),
        ("import no_such_module\n\n\ndef f():\n    return 1\n", "tool_error"),
        ("def g():\n    return 1\n", "tool_error"),
        ("def f():\n    STATE['x'] = object()\n", "bad_result"),
    ],
)
def test_what_a_native_tool_does_wrong_is_a_status(native, source, status):
    assert run(native, source, state={})[1][0].status == status


def test_a_native_tool_that_hangs_is_ended_and_the_next_call_works():
    with Executor(native=True, call_time_limit_s=0.2) as executor:
        _, answers = run(executor, "def f():\n    while True:\n        pass\n", domain="hangs")
        assert answers[0].status == "timeout"
        assert run(executor, "def f():\n    return 1\n")[1][0].value == 1


def test_a_source_that_does_not_load_is_refused_in_a_strict_session(native):
    with pytest.raises(ToolRejected, match="no_such_module"):
        native.session([tool("import no_such_module\n")], native=True)


def test_native_tools_and_tools_in_the_dialect_never_share_an_executor(native):
    plain = tool("def f():\n    return 1\n")
    with Executor() as executor, pytest.raises(InputError, match="--trust"):
        executor.session([plain], native=True)
    with pytest.raises(InputError, match="native tools only"):
        native.session([plain])
    with pytest.raises(InputError, match="isolated only"):
        Executor(execution="embedded", native=True)
