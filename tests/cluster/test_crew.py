"""Crews and generation on a cluster that is this process: jobs travel pickled, and end in another order."""

import pickle
import random

import cluster_jobs
import pytest

import tool_gym
from tool_gym.cluster.crew import Crew, _player
from tool_gym.evaluation.run import Spec, evaluate, evaluate_with
from tool_gym.generation.batches import _workshop
from tool_gym.generation.generate import generate_pack
from tool_gym.perturb.pack import under
from tool_gym.perturb.spec import Perturbation

NAMES = ("trajectories.jsonl", "run.json", "summary.json")


class Sent:
    """What `Cluster.share` gives."""

    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value


class Elsewhere:
    """A `Cluster` of three processors that is not there; counts the jobs."""

    def __init__(self):
        self.jobs = 0

    def share(self, value):
        return Sent(value)

    def slots(self, resource="CPU"):
        return 3

    def map(self, function, jobs, *, gpu=False):
        waiting = [pickle.dumps(job) for job in jobs]
        random.Random(0).shuffle(waiting)
        self.jobs += len(waiting)
        for job in waiting:
            yield pickle.loads(pickle.dumps(function(pickle.loads(job))))


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield Elsewhere()
    _player.cache_clear()
    _workshop.cache_clear()


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


@pytest.mark.parametrize("maker", [cluster_jobs.oracle, cluster_jobs.grouped])
@pytest.mark.parametrize("perturbation", [None, Perturbation.read("medium", 1)])
def test_an_evaluation_elsewhere_has_the_same_bytes(elsewhere, pack, executor, tmp_path, maker, perturbation):
    played = under(pack, perturbation)
    crew, chosen = Crew(elsewhere, played, maker), maker(played, executor)
    assert crew.shown == chosen.shown
    # Played at random, single-1 calls a tool that never ends; on a busy machine the clock ends it before its fuel does.
    spec = Spec(split="all", k=4, seed=3, max_turns=6, at_once=5, leave_out=(*crew.shown, "single-1"))
    assert evaluate_with(crew, tmp_path / "far", spec) == evaluate(
        chosen.policy, played, tmp_path / "near", executor, spec
    )
    for name in NAMES:
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "near" / name).read_bytes()
    assert elsewhere.jobs > 4
    assert len(list((tmp_path / "cache" / "tool_gym" / "packs").iterdir())) == 1, "the pack was sent, and kept once"


def test_a_pack_that_is_installed_there_is_not_unpacked(elsewhere, tmp_path):
    crew = Crew(elsewhere, tool_gym.load_pack("starter"), cluster_jobs.oracle)
    assert crew.fingerprint == {"policy": "OraclePolicy"}
    assert not (tmp_path / "cache").exists()


def test_a_pack_generated_elsewhere_has_the_same_bytes(elsewhere, tmp_path):
    order = {"count": 12, "seed": 4, "level": 0, "worlds": 6, "gate": False}
    far, near = tmp_path / "far" / "pack", tmp_path / "near" / "pack"
    generate_pack(far, **order, cluster=elsewhere)
    generate_pack(near, **order, processes=1)
    assert elsewhere.jobs == 6
    assert {file.name: file.read_bytes() for file in far.iterdir()} == {
        file.name: file.read_bytes() for file in near.iterdir()
    }
