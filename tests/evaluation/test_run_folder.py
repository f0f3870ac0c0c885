"""Evaluations into a folder: interrupted, resumed, failed, repeated."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tool_gym
from tool_gym.errors import InputError, UnknownName
from tool_gym.evaluation.folder import JOURNAL, RunFolder
from tool_gym.evaluation.run import Spec, about, evaluate
from tool_gym.evaluation.suite import load_suite, suites
from tool_gym.rollouts import plays

SPEC = Spec(split="all", leave_out=("stateful-1",), k=4, seed=3)


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


class Counted(tool_gym.Policy):
    """Plays like an oracle that now and then has no action; counts the episodes that it begins."""

    def __init__(self, pack, fails=(), grouped=False, dies_after=None):
        self.oracle, self.fails, self.batch_sensitive = tool_gym.OraclePolicy(pack), fails, grouped
        self.begun, self.groups, self.left = [], [], dies_after

    @property
    def fingerprint(self):
        return {"policy": "counted"}

    def act(self, requests):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        self.begun += [request.episode_id for request in requests if request.info["turn"] == 0]
        self.groups.append([request.episode_id for request in requests])
        failed = tool_gym.Decision({}, failure="no answer")
        return [
            failed if request.episode_id in self.fails else decision
            for request, decision in zip(requests, self.oracle.act(requests), strict=True)
        ]


@pytest.fixture(scope="module")
def whole(pack, executor, tmp_path_factory):
    """The results of a run that nothing interrupted."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    evaluate(Counted(pack), pack, out, executor, SPEC)
    return results(out)


def results(out):
    assert not (out / JOURNAL).exists()
    return {name: (out / name).read_bytes() for name in ("trajectories.jsonl", "run.json", "summary.json")}


def test_results_stand_in_the_order_of_the_plays_however_many_play_at_once(pack, executor, tmp_path, whole):
    order = [(json.loads(line)["scenario"]) for line in whole["trajectories.jsonl"].splitlines()]
    assert order == [play.scenario for play in plays(SPEC.scenarios(pack), 4)]
    for at_once in (1, 3):
        out = tmp_path / str(at_once)
        evaluate(Counted(pack), pack, out, executor, SPEC._replace(at_once=at_once))
        assert results(out) == whole
    metas = [json.loads(line) for line in (tmp_path / "1" / "meta.jsonl").read_text().splitlines()]
    assert [(meta["scenario"], meta["repetition"]) for meta in metas] == list(plays(SPEC.scenarios(pack), 4))
    assert all(meta["seconds"] > 0 and meta["host"] for meta in metas)


@pytest.mark.parametrize("dies_after", [1, 2, 5, 9])
def test_an_interrupted_run_resumes_to_the_same_bytes_and_plays_nothing_twice(
    pack, executor, tmp_path, whole, dies_after
):
    spec = SPEC._replace(at_once=4)
    first, second = Counted(pack, dies_after=dies_after), Counted(pack)
    with pytest.raises(KeyboardInterrupt):
        evaluate(first, pack, tmp_path, executor, spec)
    finished = [line.split(b"\t")[0] for line in (tmp_path / JOURNAL).read_bytes().splitlines()]
    evaluate(second, pack, tmp_path, executor, spec)
    assert results(tmp_path) == whole
    assert len(second.begun) == 20 - len(finished)
    assert not {tuple(json.loads(line)) for line in finished} & {_play(name) for name in second.begun}


def _play(name):
    scenario, repetition = name.rsplit("/", 1)
    return scenario, int(repetition)


def test_a_journal_cut_at_any_byte_is_resumed_to_the_same_bytes(pack, executor, tmp_path, whole):
    with pytest.raises(KeyboardInterrupt):
        evaluate(Counted(pack, dies_after=6), pack, tmp_path, executor, SPEC._replace(at_once=4))
    journal = (tmp_path / JOURNAL).read_bytes()
    chance = random.Random(1)
    for size in [0, 1, len(journal) - 1, *(chance.randrange(len(journal)) for _ in range(5))]:
        for name in ("trajectories.jsonl", "meta.jsonl", "summary.json"):
            (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / JOURNAL).write_bytes(journal[:size])
        evaluate(Counted(pack), pack, tmp_path, executor, SPEC)
        assert results(tmp_path) == whole


def test_a_finished_run_is_not_played_again(pack, executor, tmp_path, whole):
    evaluate(Counted(pack), pack, tmp_path, executor, SPEC)
    again = Counted(pack)
    outcome = evaluate(again, pack, tmp_path, executor, SPEC)
    assert again.begun == []
    assert outcome.rows[-1]["solve_f1"] == 1.0
    assert results(tmp_path) == whole


def test_failed_episodes_are_counted_left_out_of_the_means_and_played_again(pack, executor, tmp_path, whole):
    fails = {"single-1/1", "multi-1/0"}
    outcome = evaluate(Counted(pack, fails), pack, tmp_path, executor, SPEC)
    assert outcome.failed == {"no answer": 2}
    assert (outcome.rows[-1]["episodes"], outcome.rows[-1]["failed"], outcome.rows[-1]["solve_f1"]) == (18, 2, 1.0)
    lines = [json.loads(line) for line in (tmp_path / "trajectories.jsonl").read_text().splitlines()]
    assert sum(line.get("failure") == "no answer" for line in lines) == 2
    metas = [json.loads(line) for line in (tmp_path / "meta.jsonl").read_text().splitlines()]
    assert sum(meta.get("failure") == "no answer" for meta in metas) == 2
    again = Counted(pack)
    assert evaluate(again, pack, tmp_path, executor, SPEC).failed == {}
    assert set(again.begun) == fails
    assert results(tmp_path) == whole


def test_a_policy_whose_actions_depend_on_their_batch_plays_whole_groups_always_the_same(
    pack, executor, tmp_path, whole
):
    spec = SPEC._replace(at_once=8)
    straight = Counted(pack, grouped=True)
    evaluate(straight, pack, tmp_path / "straight", executor, spec)
    resumed = Counted(pack, grouped=True)
    with pytest.raises(KeyboardInterrupt):
        evaluate(Counted(pack, grouped=True, dies_after=6), pack, tmp_path / "resumed", executor, spec)
    evaluate(resumed, pack, tmp_path / "resumed", executor, spec)
    assert [group for group in resumed.groups if group not in straight.groups] == []
    assert 0 < len(resumed.begun) < 20
    names = ("trajectories.jsonl", "run.json", "summary.json")
    assert all((tmp_path / "straight" / n).read_bytes() == (tmp_path / "resumed" / n).read_bytes() for n in names)
    assert (tmp_path / "straight" / "trajectories.jsonl").read_bytes() == whole["trajectories.jsonl"]


def test_a_folder_of_another_run_is_refused_and_left_alone(pack, executor, tmp_path, whole):
    evaluate(Counted(pack), pack, tmp_path, executor, SPEC)
    with pytest.raises(InputError, match=r"its seed is 3, now it is 4"):
        evaluate(Counted(pack), pack, tmp_path, executor, SPEC._replace(seed=4))
    assert results(tmp_path) == whole


def test_two_processes_cannot_write_one_run(pack, tmp_path):
    policy, todo = Counted(pack), plays(SPEC.scenarios(pack), 4)
    with (
        RunFolder(tmp_path, about(policy, pack, SPEC), todo),
        pytest.raises(InputError, match="another process"),
        RunFolder(tmp_path, about(policy, pack, SPEC), todo),
    ):
        pass


def test_results_that_were_shortened_are_refused(pack, executor, tmp_path):
    evaluate(Counted(pack), pack, tmp_path, executor, SPEC)
    file = tmp_path / "trajectories.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="19 trajectories"):
        evaluate(Counted(pack), pack, tmp_path, executor, SPEC)


def test_the_fingerprint_names_everything_that_decides_the_results(pack):
    told = about(Counted(pack), pack, SPEC)
    assert told["pack"]["sha256"] == pack.manifest.digest
    assert {
        "pack",
        "scenarios",
        "policy",
        "k",
        "seed",
        "reward",
        "matcher",
        "max_turns",
        "user",
        "versions",
    } == told.keys()


@pytest.mark.parametrize("policy", ["Slow", "SlowGroups"])
def test_a_killed_process_resumes_to_the_same_results_file(pack_folder, tmp_path, policy):
    log = tmp_path / "log"
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "SLOW_POLICY_LOG": str(log), "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def command(out):
        return [
            sys.executable, "-m", "tool_gym", "evaluate", "--policy", f"slow_policy:{policy}", "--pack", pack_folder,
            "--split", "test", "--k", "10", "--at-once", "4", "--out", tmp_path / out,
        ]  # fmt: skip

    subprocess.run(command("straight"), env=environment, check=True, capture_output=True)
    log.unlink()
    process = subprocess.Popen(command("killed"), env=environment, stdout=subprocess.DEVNULL)
    journal = tmp_path / "killed" / JOURNAL
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.is_file() and journal.read_bytes().count(b"\n") >= 6):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = journal.read_bytes().count(b"\n")
    assert 6 <= finished < 20
    log.unlink()
    subprocess.run(command("killed"), env=environment, check=True, capture_output=True)
    again = log.read_text().splitlines()
    most = 20 - finished + (3 if policy == "SlowGroups" else 0)
    assert 0 < len(again) <= most
    assert results(tmp_path / "killed") == results(tmp_path / "straight")


def test_every_suite_that_ships_loads():
    assert {"shipped", "ftrl"} <= set(suites())
    for name in suites():
        assert load_suite(name).parts


def test_a_suite_of_ones_own_is_a_small_file(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('title = "Mine"\nmetric = "solve_f1"\n[[pack]]\npack = "starter"\n')
    assert load_suite(str(file)).parts[0].name == "starter"
    file.write_text('title = "Mine"\nmetric = "solve_f1"\n[[pack]]\n')
    with pytest.raises(InputError, match="expected either pack or import"):
        load_suite(str(file))
    with pytest.raises(UnknownName, match="no suite is called 'ship'"):
        load_suite("ship")
