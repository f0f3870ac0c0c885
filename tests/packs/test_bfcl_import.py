"""BFCL's multi-turn tasks become scenarios, whose checks are due with their user turns."""

import pytest
from lamp_package import make_package

from tool_gym.episode import Episode
from tool_gym.errors import InputError
from tool_gym.evaluation.verdicts import bfcl_multi_turn
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import load_pack
from tool_gym.policies.scripted import OraclePolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.sandbox.executor import Executor
from tool_gym.verify.rescoring import rescore


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bfcl")
    report = import_pack("bfcl", make_package(folder), folder / "pack", trust=True)
    return report, load_pack(folder / "pack")


@pytest.fixture(scope="module")
def native():
    with Executor(native=True) as executor:
        yield executor


def play(pack, executor, scenario, *actions, **options):
    """Plays actions, each a list of calls (name, arguments), or a text; the episode."""
    episode = Episode.of_pack(pack, scenario, executor, **options)
    for action in actions:
        if isinstance(action, str):
            episode.step({"content": action})
        else:
            episode.step({"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in action]})
    return episode


def accuracy(episode):
    return bfcl_multi_turn(episode.trajectory())["accuracy"]


def test_the_gold_calls_give_the_oracle_all_there_is(imported, native):
    report, pack = imported
    assert report.records == 6
    assert not report.dead_tools
    assert pack.verify() == []
    played = [trajectory for _, trajectory in rollout(OraclePolicy(pack), pack, plays(pack.ids()), native)]
    assert [trajectory.transitions[-1].score.f1 for trajectory in played] == [1.0] * 6
    assert [bfcl_multi_turn(trajectory)["accuracy"] for trajectory in played] == [1.0] * 6
    for trajectory in played:
        again = rescore(trajectory, "solve_f1")
        assert [turn.score for turn in again.transitions] == [turn.score for turn in trajectory.transitions]


def test_steps_and_states_are_due_with_their_user_turn(imported):
    scenario = imported[1]["multi-turn-base-0"]
    assert scenario.due == (("t0c0", "t0-LampAPI"), ("t1c0", "t1-LampAPI"), ("t2c0", "t2c1", "t2c2", "t2-LampAPI"))
    assert scenario.sub_questions[0].arguments == {"room": "hall"}, "values by place get their names"
    assert scenario.sub_questions[1].expected.value == "['hall']"


def test_tools_that_come_later_come_with_the_packages_own_words(imported):
    pack = imported[1]
    later = pack["multi-turn-miss-func-0"].turns[1]
    assert (later.content, later.add_tools) == ("Now you can. Well?", ("light",))


def test_a_tool_whose_gold_call_comes_before_it_is_shown_from_the_start(imported):
    report, pack = imported
    assert pack["multi-turn-miss-func-1"].turns[1].add_tools == ("light",)
    assert any("multi_turn_miss_func_1: lit is shown" in line for line in report.mended)


def test_a_call_in_the_next_user_turn_is_too_late(imported, native):
    late = play(
        imported[1], native, "multi-turn-base-0", "Which hall?", [("light", {"room": "hall"}), ("lit", {})], "Yes.",
        [("ticket", {}), ("light", {"room": "hall", "on": False}), ("light", {"room": "hall"})], "Done.",
    )  # fmt: skip
    assert late.done
    assert late.score.total - late.score.solved == 2, "the first call and the state after the first turn"
    assert accuracy(late) == 0.0


def test_a_wrong_state_at_the_end_of_a_user_turn_stays_wrong(imported, native):
    gold = [("ticket", {}), ("light", {"room": "hall", "on": False}), ("light", {"room": "hall"})]
    right = play(
        imported[1], native, "multi-turn-base-0", [("light", {"room": "hall"})], ".", [("lit", {})], ".", gold, "."
    )
    wrong = play(
        imported[1], native, "multi-turn-base-0", [("light", {"room": "hall"}), ("light", {"room": "cellar"})], ".",
        [("light", {"room": "cellar", "on": False}), ("lit", {})], ".", gold, ".",
    )  # fmt: skip
    assert (accuracy(right), accuracy(wrong)) == (1.0, 0.0)
    assert wrong.score.total - wrong.score.solved == 1


def test_further_calls_cost_f1_but_not_accuracy(imported, native):
    calls = [("light", {"room": "hall"}), *[("lit", {})] * 4]
    gold = [("ticket", {}), ("light", {"room": "hall", "on": False}), ("light", {"room": "hall"})]
    episode = play(imported[1], native, "multi-turn-base-0", calls, ".", [("lit", {})], ".", gold, ".")
    assert accuracy(episode) == 1.0
    assert episode.score.solved == episode.score.total
    assert episode.score.f1 < 1.0


def test_the_same_call_counts_as_often_as_the_gold_makes_it_and_no_more(imported, native):
    add = ("add", {"a": 1, "b": 2})
    once = play(imported[1], native, "multi-turn-base-1", "Hello.", [add], "3.")
    twice = play(imported[1], native, "multi-turn-base-1", "Hello.", [add], [add], "3.")
    often = play(imported[1], native, "multi-turn-base-1", "Hello.", [add] * 4, "3.")
    assert [episode.score.solved for episode in (once, twice, often)] == [3, 4, 4]
    assert [accuracy(episode) for episode in (once, twice, often)] == [0.0, 1.0, 1.0]


def test_an_episode_goes_on_from_a_snapshot(imported, native):
    pack = imported[1]
    whole = play(pack, native, "multi-turn-base-0", [("light", {"room": "hall"})], ".", [("lit", {})])
    kept = whole.snapshot()
    gold = [("ticket", {}), ("light", {"room": "hall", "on": False}), ("light", {"room": "hall"})]
    other = play(pack, native, "multi-turn-base-0")
    other.restore(kept)
    for episode in (whole, other):
        episode.step({"content": "."})
        episode.step({"tool_calls": [{"name": name, "arguments": arguments} for name, arguments in gold]})
        episode.step({"content": "."})
    assert whole.trajectory() == other.trajectory()
    assert accuracy(other) == 1.0


def test_the_gate_of_trust(imported, tmp_path):
    package = make_package(tmp_path)
    with pytest.raises(InputError, match="trust=True"):
        import_pack("bfcl", package, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
    with Executor() as executor, pytest.raises(InputError, match="--trust"):
        Episode.of_pack(imported[1], "multi-turn-base-0", executor)


def test_an_environment_plays_a_native_pack_that_is_trusted(imported):
    import gymnasium as gym

    with pytest.raises(InputError, match="trust=True"):
        gym.make("ToolUse-v0", pack=imported[1]).reset(seed=0)
    env = gym.make("ToolUse-v0", pack=imported[1], split="all", trust=True)
    env.reset(seed=0, options={"scenario": "multi-turn-base-0"})
    assert env.step({"tool_calls": [{"name": "light", "arguments": {"room": "hall"}}]})[4]["score"]["solved"] == 1


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("data/possible_answer/BFCL_v4_multi_turn_base.json", "", "has no possible answer"),
        ("constants/default_prompts.py", "", "no DEFAULT_USER_PROMPT"),
        (
            "data/possible_answer/BFCL_v4_multi_turn_base.json",
            '{"id": "multi_turn_base_0", "ground_truth": [["fail()"]]}',
            "the gold call fail.. fails: .*this lamp is broken",
        ),
        (
            "data/possible_answer/BFCL_v4_multi_turn_base.json",
            '{"id": "multi_turn_base_0", "ground_truth": [["__import__(1)"]]}',
            "no class has this method",
        ),
        (
            "data/possible_answer/BFCL_v4_multi_turn_base.json",
            '{"id": "multi_turn_base_0", "ground_truth": [["light(open(1))"]]}',
            "expected name.value, key=value. with plain values",
        ),
    ],
)
def test_a_package_that_is_not_whole_says_what_is_missing_and_writes_nothing(tmp_path, file, text, complaint):
    package = make_package(tmp_path)
    (package / file).write_text(text)
    with pytest.raises(InputError, match=complaint):
        import_pack("bfcl", package, tmp_path / "pack", trust=True)
    assert [path.name for path in tmp_path.iterdir()] == ["bfcl_eval"]


def test_a_folder_that_is_no_package_says_where_to_get_it(tmp_path):
    with pytest.raises(InputError, match="pip install --no-deps bfcl-eval"):
        import_pack("bfcl", tmp_path, tmp_path / "pack", trust=True)
