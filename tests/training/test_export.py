"""Datasets for other trainers: what is written comes back, and holds what the model saw."""

import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from small_pack import SCENARIOS

from tool_gym.episode import Episode
from tool_gym.errors import InputError, UnknownName
from tool_gym.jsonvalue import dumps, loads
from tool_gym.packs.importers import import_pack
from tool_gym.packs.reader import Pack
from tool_gym.policies.policy import Policy
from tool_gym.policies.scripted import OraclePolicy, RandomPolicy
from tool_gym.rollouts import plays, rollout
from tool_gym.training.export import export
from tool_gym.training.rows import Point, standalone_source
from tool_gym.trajectory import write_trajectories


@pytest.fixture(scope="module")
def pack(pack_folder):
    return Pack(pack_folder)


class Watched(Policy):
    """A policy that keeps what it was shown."""

    def __init__(self, policy):
        self.policy, self.seen = policy, []

    def act(self, requests):
        self.seen += [(request.episode_id, plain(request.observation)) for request in requests]
        return self.policy.act(requests)


def plain(value):
    return loads(dumps(value))


def bare(value):
    """Without the Nones that a column of one type puts into messages of different forms."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def played(pack, executor, policy, k=1, **options):
    return [trajectory for _, trajectory in rollout(policy, pack, plays(pack.ids(), k), executor, **options)]


@pytest.mark.parametrize("system", [None, "Be brief."])
@pytest.mark.parametrize("make", [OraclePolicy, lambda pack: RandomPolicy(3)])
def test_each_prompt_of_a_trajectory_is_what_the_environment_showed(pack, executor, make, system):
    policy = Watched(make(pack))
    games = list(rollout(policy, pack, plays(pack.ids(), 4), executor, system=system, max_turns=6))
    for play, trajectory in games:
        shown = [view for name, view in policy.seen if name == f"{play.scenario}/{play.repetition}"]
        assert len(shown) == len(trajectory.transitions)
        for number, view in enumerate(shown):
            turns = trajectory.transitions[:number]
            point = Point(pack, pack[play.scenario], trajectory.seed, turns, system)
            assert plain({"messages": point.messages, "tools": point.tools}) == view


def test_chats_to_imitate_are_the_oracles_and_say_what_they_earned(pack, executor, tmp_path):
    done = export("sft", pack, tmp_path / "chats.jsonl", split="all", executor=executor)
    rows = lines(tmp_path / "chats.jsonl")
    stateful = 1  # the reference calls of a check of the state are not known
    assert done.rows == len(rows) == len(SCENARIOS)
    assert [row["return"] for row in rows].count(1.0) == len(SCENARIOS) - stateful
    for row in rows:
        assert row["messages"][0]["role"] == "user"
        assert row["messages"][-1]["role"] == "assistant"
        assert "tool_calls" not in row["messages"][-1]


def test_trajectories_that_earned_too_little_or_were_broken_off_are_left_out(pack, executor, tmp_path):
    good = played(pack, executor, OraclePolicy(pack))
    poor = played(pack, executor, RandomPolicy(0))
    failed = [good[0].model_copy(update={"failure": "the endpoint is gone"})]
    everything = [*good, *poor, *failed]
    done = export("sft", pack, tmp_path / "f.jsonl", trajectories=everything, split="all", min_return=1.0, gold=False)
    assert done.rows == len(SCENARIOS) - 1
    assert done.left_out == {"it earned less than 1": len(poor) + 1, "it was broken off": 1}
    assert {row["return"] for row in lines(tmp_path / "f.jsonl")} == {1.0}


@pytest.mark.parametrize("kind", ["trl", "verl", "ftrl"])
def test_k_tool_turns_and_an_answer_give_k_plus_1_prompts(pack, executor, tmp_path, kind):
    one = [trajectory for trajectory in played(pack, executor, OraclePolicy(pack)) if trajectory.scenario == "multi-1"]
    done = export(kind, pack, tmp_path / "rows.jsonl", trajectories=one, split="all")
    rows = lines(tmp_path / "rows.jsonl")
    messages = [row.get("messages") or row["prompt"] for row in rows]
    assert done.rows == 3
    assert [[message["role"] for message in each][1:] for each in messages] == [
        [], ["assistant", "tool"], ["assistant", "tool"] * 2
    ]  # fmt: skip


def test_an_ftrl_record_holds_what_is_still_unsolved(pack, executor, tmp_path):
    one = [trajectory for trajectory in played(pack, executor, OraclePolicy(pack)) if trajectory.scenario == "joined-1"]
    export("ftrl", pack, tmp_path / "rows.jsonl", trajectories=one, split="all")
    rows = lines(tmp_path / "rows.jsonl")
    assert list(rows[0]) == [
        "messages", "tools", "codes", "solve_rate", "data_source", "split", "unsolved_set", "answer",
    ]  # fmt: skip
    assert [json.loads(row["unsolved_set"]) for row in rows] == [
        {"population": ["5120", "880"], "add": ["6000"]}, {"add": ["6000"]}, {},
    ]  # fmt: skip
    assert [row["solve_rate"] for row in rows] == pytest.approx([0, 2 / 3, 1])
    assert {row["answer"] for row in rows} == {"6000"}
    call = rows[1]["messages"][1]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"town": "Ålund"}


def test_ftrl_records_leave_out_what_their_format_cannot_say(pack, tmp_path):
    done = export("ftrl", pack, tmp_path / "rows.jsonl", split="all")
    assert done.rows == len(SCENARIOS) - 2
    assert done.left_out == {"it has several user turns": 1, "its tools keep state": 1}


def test_exported_ftrl_records_are_imported_again_and_can_be_solved(pack, executor, tmp_path):
    export("ftrl", pack, tmp_path / "rows.jsonl", split="all")
    names = [name for name in pack.ids() if name not in ("stateful-1", "turns-1")]
    report = import_pack("ftrl", tmp_path / "rows.jsonl", tmp_path / "again")
    assert {dead.tool for dead in report.dead_tools} == {"broken"}
    again = Pack(tmp_path / "again")
    oracle = OraclePolicy(pack)
    for old, new in zip(names, again.ids(), strict=True):
        with_gold, imported = Episode.of_pack(pack, old, executor), Episode.of_pack(again, new, executor)
        assert plain(imported.observation) == plain(with_gold.observation)
        while not with_gold.done:
            action = oracle(with_gold.observation, with_gold.info)
            with_gold.step(action)
            imported.step(action)
        assert imported.score.f1 == 1.0
        assert imported.done


def test_codes_run_alone_in_a_module_and_inside_of_a_function(pack):
    tool = pack["single-1"].tools[0]
    source = standalone_source(tool, pack.tables)
    outside: dict = {}
    exec(source, outside)

    def inside():
        exec(source)
        return eval("population")(town="北门")

    assert outside["population"](town="北门") == {"town": "北门", "people": 880}
    assert inside() == {"town": "北门", "people": 880}


def test_real_records_survive_import_and_export(real_data, tmp_path):
    import_pack("ftrl", real_data / "ftrl_dev.jsonl", tmp_path / "pack")
    export("ftrl", Pack(tmp_path / "pack"), tmp_path / "rows.jsonl", split="test")
    before, after = lines(real_data / "ftrl_dev.jsonl"), lines(tmp_path / "rows.jsonl")
    assert len(after) == len(before) == 100
    for old, new in zip(before, after, strict=True):
        assert new["messages"] == old["messages"]
        assert json.loads(new["unsolved_set"]) == {k: v for k, v in json.loads(old["unsolved_set"]).items() if v}
        assert (new["answer"], new["split"], new["solve_rate"]) == (old["answer"], old["split"], old["solve_rate"])
        names = [each["function"]["name"] for each in json.loads(old["tools"])]
        assert [each["function"]["name"] for each in json.loads(new["tools"])] == names
        assert json.loads(new["codes"]).keys() == set(names)


@pytest.mark.parametrize("kind", ["verl", "ftrl"])
@pytest.mark.parametrize("gold", [True, False])
def test_parquet_holds_the_same_rows_as_json_lines(pack, executor, tmp_path, kind, gold):
    games = played(pack, executor, OraclePolicy(pack))
    for suffix in ("jsonl", "parquet"):
        export(kind, pack, tmp_path / f"rows.{suffix}", trajectories=games, split="all", gold=gold)
    assert bare(pq.read_table(tmp_path / "rows.parquet").to_pylist()) == bare(lines(tmp_path / "rows.jsonl"))


@pytest.mark.parametrize("kind", ["trl", "verl"])
def test_a_prompt_of_a_file_opens_the_episode_where_it_stood(pack, executor, tmp_path, kind):
    games = played(pack, executor, RandomPolicy(1), k=2)
    # A tool that never ends is ended by its fuel, or on a busy machine by the clock: then the texts differ.
    games = [game for game in games if '"timeout"' not in game.model_dump_json()]
    assert len(games) > 6
    export(kind, pack, tmp_path / "rows.jsonl", trajectories=games, split="all")
    for row in lines(tmp_path / "rows.jsonl"):
        place = row if kind == "trl" else row["extra_info"]
        episode = Episode.of_pack(pack, place["scenario"], executor, seed=place["seed"])
        for action in json.loads(place["prefix"]):
            episode.step(action)
        shown = plain(episode.observation["messages"])
        assert [message["content"] for message in row["prompt"]] == [message["content"] for message in shown]
        if kind == "trl":
            assert row["prompt"] == shown


@pytest.mark.parametrize("kind", ["trl", "verl", "ftrl"])
def test_without_gold_no_row_names_an_answer_of_the_verifier(pack, tmp_path, kind):
    for gold in (True, False):
        export(kind, pack, tmp_path / f"{gold}.jsonl", split="all", gold=gold)
    for row in lines(tmp_path / "False.jsonl"):
        row.pop("codes", None)  # the tools must hold what they answer
        text = json.dumps(row, ensure_ascii=False)
        assert not any(word in text for word in ("5120", "6000", '"expected"', "unsolved_set", '"answer"'))
    if kind != "trl":
        assert "5120" in (tmp_path / "True.jsonl").read_text(encoding="utf-8")


def test_mistakes_are_refused_and_nothing_is_written(pack, executor, tmp_path):
    games = played(pack, executor, OraclePolicy(pack))
    foreign = [games[0].model_copy(update={"scenario_digest": "0" * 64})]
    with pytest.raises(UnknownName, match="kind of dataset"):
        export("slime", pack, tmp_path / "a.jsonl")
    with pytest.raises(UnknownName, match="split"):
        export("trl", pack, tmp_path / "a.jsonl", split="dev")
    with pytest.raises(InputError, match=r"called \.jsonl"):
        export("trl", pack, tmp_path / "a.parquet")
    with pytest.raises(InputError, match="the oracle could play"):
        export("sft", pack, tmp_path / "a.jsonl", gold=False)
    with pytest.raises(InputError, match="give the pack that was played"):
        export("sft", pack, tmp_path / "a.jsonl", trajectories=[*games, *foreign], split="all")
    with pytest.raises(InputError, match=r"nothing to write; left out: 6 because it earned less than 2"):
        export("sft", pack, tmp_path / "a.jsonl", trajectories=games, split="all", min_return=2)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_rows_of_trajectories(pack, executor, tmp_path):
    write_trajectories(tmp_path / "games.jsonl", played(pack, executor, OraclePolicy(pack)))
    command = [
        sys.executable, "-m", "tool_gym", "export", "verl", str(pack.path), "--out", str(tmp_path / "rows.parquet"),
        "--trajectories", str(tmp_path / "games.jsonl"), "--split", "all", "--no-gold", "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    table = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert printed == {"file": str(tmp_path / "rows.parquet"), "rows": len(table), "left_out": {}}
    assert {row["reward_model"]["ground_truth"] for row in table} == {""}
    refused = subprocess.run([*command[:4], "sft", *command[5:]], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
