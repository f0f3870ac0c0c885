"""tau-bench's tasks become scenarios. The repository here is a small one of our own that stands in for the real one.

The real one is tried where the environment variable TAU_BENCH_FOLDER names its folder.
"""

import contextlib
import hashlib
import importlib
import json
import os
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_repository import make_repository

from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.evaluation.suite import load_suite, verdicts
from tool_gym.evaluation.verdicts import tau_bench
from tool_gym.packs.importers import import_pack
from tool_gym.packs.importers.tau_bench_backend import Database, call, first_state
from tool_gym.packs.importers.tau_bench_source import read_world
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor

FOLDER = os.environ.get("TAU_BENCH_FOLDER")
CANCEL = ("cancel_order", {"order_id": "#1"})
RECORDS = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return make_repository(tmp_path_factory.mktemp("tau"))


@pytest.fixture(scope="module")
def imported(repository, tmp_path_factory):
    out = tmp_path_factory.mktemp("packs") / "tau"
    return import_pack("tau-bench", repository, out, trust=True), load_pack(out)


@pytest.fixture(scope="module")
def native():
    with Executor(native=True) as executor:
        yield executor


def play(pack, executor, scenario, *actions, **options):
    """Plays actions, each a list of calls (name, arguments), or a text; the episode."""
    episode = Episode.of_pack(pack, scenario, executor, **options)
    for action in actions:
        calls = [] if isinstance(action, str) else [{"name": name, "arguments": given} for name, given in action]
        episode.step({"content": action if isinstance(action, str) else "", "tool_calls": calls})
    return episode


def authors_hash(value):
    """The hash of a database as tau-bench's authors define it: of nested tuples, keys sorted."""

    def nested(item):
        if isinstance(item, dict):
            return tuple((key, nested(inner)) for key, inner in sorted(item.items()))
        return tuple(nested(inner) for inner in item) if isinstance(item, list) else item

    return hashlib.sha256(str(nested(value)).encode()).hexdigest()


def replay_outside(repository, name):
    """Each task's database after its gold actions, through the tools themselves, in this process, as authors do."""
    world = read_world(repository, name)
    # The packages above the tools, without what they import themselves: the authors' model clients.
    for package in ("tau_bench", "tau_bench.envs", f"tau_bench.envs.{name}", f"tau_bench.envs.{name}.tools"):
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = [str(repository / package.replace(".", "/"))]
    try:
        classes = {each.info.name: getattr(importlib.import_module(each.module), each.name) for each in world.tools}
        for task in world.tasks:
            data = json.loads(json.dumps(world.tables))
            for action in task.actions:
                if action.name in classes and action.name != "transfer_to_human_agents":
                    with contextlib.suppress(Exception):  # to the authors' environment an answer as any other
                        classes[action.name].invoke(data=data, **action.kwargs)
            yield authors_hash(data)
    finally:
        for module in [each for each in sys.modules if each.split(".")[0] == "tau_bench"]:
            del sys.modules[module]


def assert_gold_replays(repository, pack, executor):
    """Gold comes to the hash that authors' tools come to outside, and the oracle passes the authors' rule on all."""
    hashes = [sha256 for name in ("retail", "airline") for sha256 in replay_outside(repository, name)]
    assert [pack[name].state_checks[0].expected.value for name in pack] == hashes
    for _, trajectory in rollout(OraclePolicy(pack), pack, plays(pack.ids()), executor):
        assert tau_bench(trajectory) == {"accuracy": 1.0, "database": 1.0, "outputs": 1.0}, trajectory.scenario
        assert trajectory.transitions[-1].score.f1 == 1.0, trajectory.scenario


def test_all_gold_actions_replay_to_the_hash_that_the_authors_tools_come_to(repository, imported, native):
    report, pack = imported
    assert (report.records, report.dead_tools, pack.verify()) == (4, (), [])
    assert_gold_replays(repository, pack, native)


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="needs tau-bench's repository: name its folder in TAU_BENCH_FOLDER")
def test_all_gold_actions_of_the_real_repository_replay(tmp_path):
    import_pack("tau-bench", FOLDER, tmp_path / "pack", trust=True)
    with Executor(native=True) as executor:
        assert_gold_replays(Path(FOLDER), load_pack(tmp_path / "pack"), executor)


def test_a_scenario_has_the_instruction_the_policy_the_outputs_and_what_writes(imported):
    scenario = imported[1]["retail-0"]
    assert scenario.question.startswith("You are Ida.")
    assert scenario.system == "# retail\n\nBe polite.\n"
    assert scenario.answer.value == ["17", "mug"]
    assert [(step.tools, step.arguments) for step in scenario.sub_questions][1] == (("cancel_order",), CANCEL[1])
    assert scenario.provenance.detail["writes"] == ["c1"]
    assert [tool.name for tool in scenario.tools][:2] == ["get_order", "cancel_order"], "in the authors' order"
    assert scenario.tools[0].parameters["required"] == ["order_id"]


def test_what_no_tool_does_is_left_out_and_told(imported):
    assert [step.tools for step in imported[1]["retail-1"].sub_questions] == [
        ("cancel_order",),
        ("transfer_to_human_agents",),
    ]
    assert imported[0].mended == ("retail, task 1: the gold action dance is no tool's, and left out",)


def test_the_agent_reads_the_policy_unless_it_is_told_something_else(imported, native):
    messages = Episode.of_pack(imported[1], "airline-0", native).observation["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"] == "# airline\n\nBe polite.\n"
    other = Episode.of_pack(imported[1], "airline-0", native, system="Hi.").observation["messages"]
    assert other[0]["content"] == "Hi."


@pytest.mark.parametrize(
    ("actions", "verdict"),
    [
        (([CANCEL], "Your balance is 17, and the Mug is off."), (1, 1, 1)),
        (([CANCEL], "Your balance is 1,7; mug."), (1, 1, 1)),
        (([CANCEL], "It is done."), (0, 1, 0)),
        (("17, mug.",), (0, 0, 1)),
        (([CANCEL], [("cancel_order", {"order_id": "#3"})], "17, mug"), (0, 0, 1)),
        (([CANCEL], [("get_order", {"order_id": "#9"})], "17, mug"), (1, 1, 1)),
        (([CANCEL, ("touch_balance", {"user_id": "ida"})], "17, mug"), (0, 0, 1)),
    ],
    ids=["right", "commas", "not told", "not done", "too much", "further reads", "17 became 17.0"],
)
def test_the_verdict_is_on_the_database_and_on_what_was_said(imported, native, actions, verdict):
    found = tau_bench(play(imported[1], native, "retail-0", *actions).trajectory())
    assert tuple(found.values()) == verdict


def test_an_episode_that_a_limit_ends_is_lost(imported, native):
    episode = play(imported[1], native, "retail-0", [CANCEL], [("list_orders", {})], max_turns=2)
    assert tau_bench(episode.trajectory()) == {"accuracy": 0.0, "database": 1.0, "outputs": 0.0}


def test_after_a_transfer_nothing_changes_any_more(imported, native):
    transfer = ("transfer_to_human_agents", {"summary": "enough"})
    episode = play(imported[1], native, "retail-1", [transfer, CANCEL], "Somebody will come.")
    assert episode.trajectory().transitions[0].results[1].value.startswith("Error: the conversation was handed")
    assert tau_bench(episode.trajectory())["database"] == 1.0


def test_episodes_do_not_see_each_others_databases(imported, native):
    pack = imported[1]
    first = play(pack, native, "retail-2", [("forget_order", {"order_id": "#1"})])
    second = play(pack, native, "retail-2", [("list_orders", {}), ("get_order", {"order_id": "#1"})])
    again = play(pack, native, "retail-2")
    again.restore(first.snapshot())
    for episode in (first, again):
        episode.step({"tool_calls": [{"name": "list_orders", "arguments": {}}]})
        assert episode.trajectory().transitions[-1].results[0].value == '["#2", "#3"]'
    values = [result.value for result in second.trajectory().transitions[0].results]
    assert values[0] == '["#1", "#2", "#3"]'
    assert json.loads(values[1])["status"] == "pending"


@given(st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=3), RECORDS, max_size=3), max_size=3))
def test_the_hash_is_the_authors_hash_whatever_the_database_holds(tables):
    assert Database(first_state(tables)).hash({}) == authors_hash(tables)


@given(RECORDS, st.sampled_from(["a", "b", "new"]), st.booleans())
def test_the_hash_of_a_changed_database_is_that_of_the_whole_as_it_is_then(record, key, delete):
    tables = {"t": {"a": {"n": 1}, "b": {"n": 2}}, "u": {}}
    database = Database(first_state(json.loads(json.dumps(tables))))
    if delete:
        tables["t"].pop(key, None)
        database.tables["t"].pop(key, None)
    else:
        tables["t"][key] = record
        database.tables["t"][key] = record
    changes = database.take_back()
    assert database.hash(changes) == authors_hash(tables)
    assert database.tables == {"t": {"a": {"n": 1}, "b": {"n": 2}}, "u": {}}
    assert list(database.tables["t"]) == ["a", "b"]


def test_a_tool_that_breaks_answers_so_and_what_it_changed_before_stays():
    state = {"changes": {}, "hash": "", "over": False}
    data = first_state({"rows": {"a": {"n": 1}}})
    assert call(state, data, "tests_no_such_module", "Tool", {}).startswith("Error: No module named")
    assert state == {"changes": {}, "hash": "", "over": False}


def test_several_episodes_of_a_task_give_pass_hat_k(imported, native):
    pack = imported[1]
    won = play(pack, native, "retail-1", "No.").trajectory()
    lost = play(pack, native, "airline-0", "No.").trajectory()
    mixed = [play(pack, native, "retail-0", *actions).trajectory() for actions in ([[CANCEL], "17 mug"], ["No."])]
    rows = verdicts(load_suite("tau-bench"), {"retail": [won, won, *mixed], "airline": [lost, lost]})
    assert [(row["part"], row["accuracy"], row["pass^2"]) for row in rows] == [
        ("retail", 0.75, 0.5), ("airline", 0.0, 0.0), ("mean", 0.375, 0.25),
    ]  # fmt: skip


def test_plain_python_takes_trust(repository, tmp_path):
    with pytest.raises(InputError, match="trust=True"):
        import_pack("tau-bench", repository, tmp_path / "pack")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("retail/data/orders.json", "[]", "expected an object of records by id, got list"),
        ("retail/data/orders.json", "{", "orders.json: not JSON"),
        ("retail/tasks_test.py", "TASKS = ()", "no list of tasks in it; get it with: git clone"),
        ("retail/tasks_test.py", "TASKS = [Task(user_id='a')]", "instruction: Field required"),
        ("retail/tasks_test.py", "TASKS = [Task(user_id=open('x'))]", "line 1: expected plain values"),
        ("retail/tasks_test.py", "TASKS = [", "not Python"),
        ("retail/tools/__init__.py", "ALL_TOOLS = [Dance]", "ALL_TOOLS has Dance, which no"),
        ("retail/tools/get_order.py", "class GetOrder: pass", "no class GetOrder with a get_info"),
        (
            "retail/tools/get_order.py",
            "class GetOrder:\n    def get_info():\n        return {'function': {'name': 'no name'}}",
            "function.name: String should match",
        ),
        ("tool.py", None, "tool.py: cannot be read"),
        ("airline/wiki.md", None, "wiki.md: cannot be read"),
    ],
)
def test_a_repository_that_is_not_whole_says_what_is_wrong_and_writes_nothing(tmp_path, file, text, complaint):
    repository = make_repository(tmp_path)
    place = repository / "tau_bench/envs" / file
    place.unlink() if text is None else place.write_text(text)
    with pytest.raises(InputError, match=complaint):
        import_pack("tau-bench", repository, tmp_path / "pack", trust=True)
    assert [path.name for path in tmp_path.iterdir()] == [repository.name]


def test_a_folder_that_is_no_repository_says_where_to_get_it(tmp_path):
    with pytest.raises(InputError, match="git clone https://github"):
        import_pack("tau-bench", tmp_path, tmp_path / "pack", trust=True)


def test_the_package_folder_will_do_as_well(repository):
    assert read_world(repository / "tau_bench", "airline") == read_world(repository, "airline")
