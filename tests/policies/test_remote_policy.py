"""The policy of a remote model, on scripted ones."""

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from scripted_server import NAME, serving
from small_pack import SINGLE

import tool_gym
from tool_gym.errors import UnknownName
from tool_gym.jsonvalue import digest
from tool_gym.models.chat import ChatRequest, Completion, ModelError, Usage
from tool_gym.models.ledger import Prices
from tool_gym.policies.catalog import ModelOptions, make_policy
from tool_gym.policies.remote import RemotePolicy
from tool_gym.rollouts import plays, rollout

CALL = '<tool_call>\n{"name": "population", "arguments": {"town": "北门"}}\n</tool_call>'
NATIVE = {"id": "x", "type": "function", "function": {"name": "population", "arguments": '{"town": "北门"}'}}


class Scripted:
    """Answers with the messages of a list, for each conversation by its length; remembers what it was asked."""

    name = "scripted"

    def __init__(self, *messages, fails=lambda number: False):
        self.messages, self.fails, self.requests = messages, fails, []
        self._lock = threading.Lock()

    def complete(self, request):
        with self._lock:
            number = len(self.requests)
            self.requests.append(request)
        if self.fails(number):
            raise ModelError("the server is on fire")
        turn = sum(message["role"] == "assistant" for message in request.messages)
        return Completion(message=self.messages[turn], usage=Usage(input_tokens=1_000_000, output_tokens=10))


@pytest.fixture(scope="module")
def pack(pack_folder):
    return tool_gym.load_pack(str(pack_folder))


def played(policy, pack, executor, k=1, **options):
    return [trajectory for _, trajectory in rollout(policy, pack, plays([SINGLE.id], k), executor, **options)]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, {"role": "assistant", "content": "", "tool_calls": [NATIVE]}),
        ({"parser": "hermes"}, {"role": "assistant", "content": CALL}),
        ({"form": "text"}, {"role": "assistant", "content": CALL}),
    ],
)
def test_native_calls_and_calls_in_text_are_played(pack, executor, options, first):
    model = Scripted(first, {"role": "assistant", "content": "<answer>880</answer>"})
    (trajectory,) = played(RemotePolicy(model, **options), pack, executor)
    score = trajectory.transitions[-1].score
    assert (score.f1, score.answer_correct) == (1.0, True)
    native = "form" not in options
    assert bool(model.requests[0].tools) == native
    assert [message["role"] for message in model.requests[1].messages][-1] == ("tool" if native else "user")


def test_a_failing_endpoint_costs_its_episodes_and_no_others(pack, executor):
    model = Scripted({"role": "assistant", "content": "<answer>880</answer>"}, fails=lambda number: number == 1)
    trajectories = played(RemotePolicy(model, concurrency=1), pack, executor, k=3)
    failures = [trajectory.failure for trajectory in trajectories]
    assert failures == [None, "the server is on fire", None]
    assert trajectories[1].transitions == ()
    assert trajectories[1].termination is None
    assert trajectories[0].termination == "answer"


def test_tokens_and_cost_are_told(pack, executor):
    model = Scripted({"role": "assistant", "content": "no"})
    policy = RemotePolicy(model, prices=Prices(2.0, 100_000.0))
    request = tool_gym.Request("e", 0, {"messages": [{"role": "user", "content": "x"}], "tools": []}, {"turn": 0})
    (decision,) = policy.act([request])
    assert decision.usage == {"prompt_tokens": 1_000_000, "completion_tokens": 10, "cost": 3.0}


def test_requests_are_begun_no_faster_than_the_rate(pack, executor):
    begun = []

    class Timed(Scripted):
        def complete(self, request):
            begun.append(time.monotonic())
            return super().complete(request)

    model = Timed({"role": "assistant", "content": "no"})
    played(RemotePolicy(model, concurrency=4, requests_per_minute=600), pack, executor, k=4)
    assert all(later - earlier > 0.08 for earlier, later in itertools.pairwise(sorted(begun)))


def test_an_episode_goes_on_as_soon_as_its_own_answer_is_there(pack, executor):
    """The first episode's answer comes only when the second episode has asked for its second."""
    asked_again = threading.Event()

    class Waits(Scripted):
        def complete(self, request):
            if request.occasion == f"{SINGLE.id}/0" and not asked_again.wait(20):
                raise ModelError("the other episode did not go on")
            if len(request.messages) > 1:
                asked_again.set()
            return super().complete(request)

    model = Waits({"role": "assistant", "content": CALL}, {"role": "assistant", "content": "no"})
    trajectories = played(RemotePolicy(model, parser="hermes", concurrency=2), pack, executor, k=2)
    assert [trajectory.failure for trajectory in trajectories] == [None, None]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_which_answer_comes_first_changes_no_trajectory_and_no_more_are_asked_at_a_time(pack, executor, concurrency):
    chance, asking, most = random.Random(concurrency), [], []

    class Late(Scripted):
        def complete(self, request):
            asking.append(request.occasion)
            most.append(len(asking))
            time.sleep(chance.random() / 50)
            completion = super().complete(request)
            asking.remove(request.occasion)
            return completion

    messages = [{"role": "assistant", "content": content} for content in (CALL, "no", "no")]
    calm, late = (cls(*messages) for cls in (Scripted, Late))
    todo = plays(pack.ids("train"), 3)
    one = dict(rollout(RemotePolicy(calm, parser="hermes", concurrency=1), pack, todo, executor, at_once=1))
    assert len(one) == len(todo)
    policy = RemotePolicy(late, parser="hermes", concurrency=concurrency)
    assert dict(rollout(policy, pack, todo, executor)) == one
    assert max(most) == concurrency


def test_the_same_words_in_another_episode_are_another_request_and_those_of_old_journals_are_still_known():
    first, second = (ChatRequest(messages=({"role": "user"},), occasion=occasion) for occasion in ("a/0", "a/1"))
    assert first.key("m") != second.key("m")
    plain = ChatRequest(messages=({"role": "user"},))
    assert plain.key("m") == digest(["m", plain.model_dump(exclude={"occasion"})])


@pytest.mark.slow
def test_an_evaluation_that_is_interrupted_pays_for_no_answer_twice(pack_folder, tmp_path):
    def text(body):
        time.sleep(0.05)
        return "no" if any(message["role"] == "assistant" for message in body["messages"]) else CALL

    def command(out, server):
        return [
            sys.executable, "-m", "tool_gym", "evaluate", "--policy", "remote", "--model", NAME, "--base-url",
            server.url, "--parser", "hermes", "--pack", pack_folder, "--split", "all", "--k", "4", "--concurrency", "2",
            "--out", tmp_path / out, "--json",
        ]  # fmt: skip

    with serving(text) as server:
        subprocess.run(command("straight", server), check=True, capture_output=True)
        straight = Counter(server.paid)
        server.paid.clear()
        process = subprocess.Popen(command("stopped", server), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        kept = tmp_path / "stopped" / "completions.jsonl"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (kept.is_file() and kept.read_bytes().count(b"\n") >= 15):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        process.wait()
        assert 15 <= sum(server.paid.values()) == kept.read_bytes().count(b"\n") < sum(straight.values())
        subprocess.run(command("stopped", server), check=True, capture_output=True)
        assert server.paid == straight
    assert not kept.exists()
    for name in ("trajectories.jsonl", "run.json", "summary.json"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_seed_is_sent_only_where_something_is_sampled(pack, executor):
    greedy, warm = (Scripted({"role": "assistant", "content": "no"}) for _ in range(2))
    (one,) = played(RemotePolicy(greedy), pack, executor)
    played(RemotePolicy(warm, temperature=0.7), pack, executor)
    assert greedy.requests[0].seed is None
    assert warm.requests[0].seed == one.seed


def test_policies_are_found_by_name_and_unknown_names_are_errors(pack, executor):
    def make(name, **options):
        return make_policy(name, pack, executor, 0, ModelOptions(**options))

    assert isinstance(make("random").policy, tool_gym.RandomPolicy)
    assert isinstance(make("tool_gym.policies.reader:CarefulReader").policy, tool_gym.Policy)
    assert make("tool_gym.examples.own_policy:act").policy.fingerprint["policy"] == "act"
    with pytest.raises(UnknownName, match="did you mean 'oracle'"):
        make("orakle")
    with pytest.raises(tool_gym.InputError, match="needs a model"):
        make("remote")
    with pytest.raises(tool_gym.InputError, match="expected module:name"):
        make("tool_gym.examples.own_policy:nothing")
    remote = make("remote", model="m", base_url="http://localhost:1/v1", shots=1)
    assert remote.policy.fingerprint["form"] == "text"
    assert remote.shown == (SINGLE.id,)
