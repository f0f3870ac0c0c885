"""The policy of a remote model, on scripted ones."""

import itertools
import threading
import time

import pytest
from small_pack import SINGLE

import tool_gym
from tool_gym.errors import UnknownName
from tool_gym.models.chat import Completion, ModelError, Usage
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
