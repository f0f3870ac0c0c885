"""Generation, rollouts and evaluation on a Ray cluster of several nodes, one of which may die."""

import json
import os
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import cluster_jobs
import pytest

import tool_gym
from tool_gym.cluster.cluster import Cluster, ClusterError
from tool_gym.cluster.crew import Crew
from tool_gym.errors import InputError, UnknownName
from tool_gym.evaluation.run import Spec, evaluate, evaluate_with
from tool_gym.generation.generate import generate_pack
from tool_gym.generation.journal import journal_of
from tool_gym.rollouts import plays, rollout

ORDER = {"count": 48, "seed": 9, "level": 1, "worlds": 16, "gate": False}
SPEC = Spec(split="all", k=4, seed=3, max_turns=6)


@pytest.fixture(scope="module")
def nodes():
    """Nodes of one processor each, with the modules of this folder."""
    utils = pytest.importorskip("ray.cluster_utils", reason="needs a package put in by hand: ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_raylet_start_wait_time_s", "120")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        memory = {"num_cpus": 1, "object_store_memory": 100 << 20}
        started = utils.Cluster(initialize_head=True, head_node_args={**memory, "include_dashboard": False})
        try:
            started.add_node(**memory)
            yield started
        finally:
            started.shutdown()


@pytest.fixture(scope="module")
def cluster(nodes):
    with Cluster(nodes.address) as connected:
        yield connected


class Third:
    """A third node, at work as the others are; called, it ends at once, as if its power were cut."""

    def __init__(self, nodes):
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._nodes = nodes
        self._node = nodes.add_node(num_cpus=1, object_store_memory=100 << 20)
        self.id = self._node.node_id
        nodes.wait_for_nodes()
        here = NodeAffinitySchedulingStrategy(self.id, soft=False)
        ray.get(ray.remote(scheduling_strategy=here)(lambda: None).remote())

    def __call__(self):
        if self._node:
            self._nodes.remove_node(self._node, allow_graceful=False)
            self._node = None


@pytest.fixture
def third(nodes, cluster):
    node = Third(nodes)
    yield node
    node()


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """What one process generates."""
    out = tmp_path_factory.mktemp("local") / "pack"
    generate_pack(out, **ORDER, processes=1)
    return content(out)


def content(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def results(folder):
    return {name: (folder / name).read_bytes() for name in ("trajectories.jsonl", "run.json", "summary.json")}


def after(number, action):
    """A watch that does something when so many have come."""

    def watch(items, total=None):
        for count, item in enumerate(items, 1):
            if count == number:
                action()
            yield item

    return watch


def stop():
    raise KeyboardInterrupt


def begun(log):
    """Each job that was begun, and the node where."""
    return [(int(number), node) for number, node in map(str.split, log.read_text().splitlines())]


def jobs(log, count):
    return [cluster_jobs.Job(number, log) for number in range(count)]


@pytest.mark.slow
def test_a_node_that_dies_costs_its_unfinished_jobs_which_run_again_elsewhere(cluster, third, tmp_path):
    log, found, at_work = tmp_path / "log", [], set()
    assert cluster.slots() == 3
    for result in cluster.map(cluster_jobs.square, jobs(log, 15)):
        found.append(result)
        if not at_work and len(found) > 4:
            at_work = {number for number, node in begun(log) if node == third.id and number**2 not in found}
            if at_work:
                third()
    assert sorted(found) == [number**2 for number in range(15)]
    assert at_work
    times = Counter(number for number, _ in begun(log))
    assert times.keys() == set(range(15))
    assert any(times[number] == 2 for number in at_work)
    assert all((number, third.id) in begun(log) for number in times if times[number] > 1), "others lost nothing"


@pytest.mark.slow
def test_a_job_that_kills_its_process_each_time_ends_in_a_clear_error(cluster, tmp_path):
    with pytest.raises(ClusterError, match=r"died, 4 times in a row .*memory"):
        list(cluster.map(cluster_jobs.die, jobs(tmp_path / "log", 1)))
    assert len(begun(tmp_path / "log")) == 4


@pytest.mark.slow
def test_what_a_job_raises_is_raised_here(cluster, tmp_path):
    with pytest.raises(UnknownName, match=r"^no thing is called 'thong'; did you mean 'thing'"):
        list(cluster.map(cluster_jobs.mistake, jobs(tmp_path, 3)))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        list(cluster.map(cluster_jobs.bug, jobs(tmp_path, 1)))


@pytest.mark.slow
def test_machines_with_another_version_or_without_a_module_are_named(cluster, tmp_path, monkeypatch):
    absent = types.ModuleType("only_here")
    exec("def work(job): pass", absent.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", absent)
    with pytest.raises(ClusterError, match=r"No module named 'only_here'.*same packages"):
        list(cluster.map(absent.work, [1]))
    monkeypatch.setattr("tool_gym.cluster.cluster.__version__", "0.0.7")
    with pytest.raises(ClusterError, match=r"has tool-gym .*, this one 0\.0\.7; install the same"):
        list(cluster.map(cluster_jobs.square, jobs(tmp_path / "log", 1)))


@pytest.mark.slow
def test_a_job_that_wants_a_gpu_has_one_of_its_own(cluster, nodes, tmp_path):
    node = nodes.add_node(num_cpus=1, num_gpus=2, object_store_memory=100 << 20)
    nodes.wait_for_nodes()
    try:
        assert cluster.slots("GPU") == 2
        assert set(cluster.map(cluster_jobs.devices, jobs(tmp_path, 6), gpu=True)) <= {"0", "1"}
    finally:
        nodes.remove_node(node)


@pytest.mark.slow
def test_a_pack_generated_on_many_nodes_has_the_same_bytes(cluster, generated, tmp_path):
    generate_pack(tmp_path / "pack", **ORDER, cluster=cluster)
    assert content(tmp_path / "pack") == generated
    assert list(tmp_path.iterdir()) == [tmp_path / "pack"]


@pytest.mark.slow
def test_a_pack_generated_while_a_node_dies_has_the_same_bytes(cluster, third, generated, tmp_path):
    generate_pack(tmp_path / "pack", **ORDER, cluster=cluster, watch=after(4, third))
    assert content(tmp_path / "pack") == generated


@pytest.mark.slow
def test_generation_that_is_stopped_on_a_cluster_goes_on_on_one_machine(cluster, generated, tmp_path):
    out = tmp_path / "pack"
    with pytest.raises(KeyboardInterrupt):
        generate_pack(out, **ORDER, cluster=cluster, watch=after(10, stop))
    assert 3 <= len(list(journal_of(out).glob("0*[0-9]"))) < 16
    generate_pack(out, **ORDER, processes=1)
    assert content(out) == generated


@pytest.mark.slow
@pytest.mark.parametrize("maker", [cluster_jobs.oracle, cluster_jobs.slow, cluster_jobs.grouped])
def test_an_evaluation_on_many_nodes_one_of_which_dies_has_the_same_bytes(
    cluster, third, pack, executor, tmp_path, maker
):
    spec = SPEC._replace(at_once=5)
    crew = Crew(cluster, pack, maker)
    spec = spec._replace(leave_out=crew.shown)
    chosen = maker(pack, executor)
    assert crew.shown == chosen.shown
    outcome = evaluate_with(crew, tmp_path / "far", spec, after(2, third))
    assert outcome == evaluate(chosen.policy, pack, tmp_path / "near", executor, spec)
    assert results(tmp_path / "far") == results(tmp_path / "near")
    metas = [json.loads(line) for line in (tmp_path / "far" / "meta.jsonl").read_text().splitlines()]
    assert [(meta["scenario"], meta["repetition"]) for meta in metas] == plays(spec.scenarios(pack), spec.k)
    assert all(meta["seconds"] > 0 and meta["host"] for meta in metas)


@pytest.mark.slow
def test_an_evaluation_that_is_stopped_on_a_cluster_goes_on_on_one_machine(cluster, pack, executor, tmp_path):
    crew = Crew(cluster, pack, cluster_jobs.slow)
    with pytest.raises(KeyboardInterrupt):
        evaluate_with(crew, tmp_path / "far", SPEC, after(6, stop))
    policy = cluster_jobs.slow(pack, executor).policy
    evaluate(policy, pack, tmp_path / "far", executor, SPEC)
    evaluate(policy, pack, tmp_path / "near", executor, SPEC)
    assert results(tmp_path / "far") == results(tmp_path / "near")


@pytest.mark.slow
def test_rollouts_on_a_cluster_are_those_of_one_process_whichever_ends_first(cluster, pack, executor):
    todo = plays(pack.ids(), 3)
    far = {play: trajectory for play, trajectory, _ in Crew(cluster, pack, cluster_jobs.slow).play(todo, seed=5)}
    policy = cluster_jobs.slow(pack, executor).policy
    assert far == dict(rollout(policy, pack, todo, executor, seed=5))


@pytest.mark.slow
def test_a_policy_that_cannot_be_made_says_why(cluster, pack):
    with pytest.raises(UnknownName, match="no model is called 'm'"):
        Crew(cluster, pack, cluster_jobs.broken)


@pytest.mark.slow
def test_the_commands_take_a_cluster(nodes, generated, tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "tool_gym", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    out = tmp_path / "pack"
    options = ("--count", 48, "--seed", 9, "--level", 1, "--worlds", 16, "--no-gate", "--ray", nodes.address)
    made = run("generate", "--out", out, *options)
    assert made.returncode == 0, made.stderr
    assert content(out) == generated
    for folder, place in (("far", ("--ray", nodes.address)), ("near", ())):
        played = run("evaluate", "--policy", "random", "--pack", out, "--out", tmp_path / folder, "--json", *place)
        assert played.returncode == 0, played.stderr
        assert json.loads(played.stdout)[-1]["episodes"] > 0
    assert results(tmp_path / "far") == results(tmp_path / "near")
    nobody = run("evaluate", "--policy", "random", "--ray", "127.0.0.1:1")
    assert nobody.returncode == 2
    assert "no Ray cluster that can be used at '127.0.0.1:1'" in nobody.stderr
    assert "Traceback" not in nobody.stderr


def test_without_ray_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"pip install 'tool-gym\[ray\]' on every machine"):
        Cluster("auto")


def test_a_model_at_an_endpoint_needs_no_cluster_to_generate(tmp_path):
    with pytest.raises(InputError, match="waits for its model"):
        generate_pack(tmp_path / "pack", backend="chat", cluster=object())
